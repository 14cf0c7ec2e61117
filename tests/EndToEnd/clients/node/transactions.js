// Goes through what applications do with transactions and prints what came of it, for a test to compare.
//   node transactions.js BOOTSTRAP PREFIX
// Needs the topics PREFIX-in and PREFIX-out of one partition each.
const { Kafka, logLevel } = require('kafkajs')

const [bootstrap, prefix] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'end-to-end', brokers: [bootstrap], logLevel: logLevel.NOTHING })
const input = `${prefix}-in`, output = `${prefix}-out`, group = `${prefix}-group`

async function start() {
  const producer = kafka.producer({ transactionalId: `${prefix}-id`, maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  return producer
}

const messages = (name, count) => Array.from({ length: count }, (_, i) => ({ value: `${name} ${i}` }))

async function copy(producer) {
  const transaction = await producer.transaction()
  await transaction.send({ topic: output, messages: messages('copied line', 5) })
  await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic: input, partitions: [{ partition: 0, offset: '5' }] }] })
  return transaction
}

async function committed(admin) {
  const [{ partitions: [{ offset }] }] = await admin.fetchOffsets({ groupId: group, topics: [input] })
  return offset === '-1' ? 'none' : offset
}

async function read(readUncommitted) {
  const consumer = kafka.consumer({ groupId: `${prefix}-${readUncommitted}`, readUncommitted })
  await consumer.connect()
  await consumer.subscribe({ topics: [output], fromBeginning: true })
  const values = []
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, event => reject(event.payload.error))
    consumer.run({
      eachMessage: async ({ message }) => {
        values.push(message.value.toString())
        if (values[values.length - 1].startsWith('of the successor')) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return values
}

async function run() {
  const admin = kafka.admin()
  await admin.connect()
  const producer = await start()
  let transaction = await producer.transaction()
  await transaction.send({ topic: output, messages: messages('committed', 5) })
  await transaction.commit()
  transaction = await producer.transaction()
  await transaction.send({ topic: output, messages: messages('aborted', 5) })
  await transaction.abort()

  await (await copy(producer)).abort()
  console.log(`offset after abort ${await committed(admin)}`)
  await (await copy(producer)).commit()
  console.log(`offset after commit ${await committed(admin)}`)

  const zombie = await producer.transaction()
  await zombie.send({ topic: output, messages: messages('of the zombie', 1) })
  const successor = await start()
  transaction = await successor.transaction()
  await transaction.send({ topic: output, messages: messages('of the successor', 1) })
  const refused = await zombie.commit().then(() => 'not fenced', error => error)
  // Before version 2 of EndTxn, which kafkajs does not speak, fencing is said with INVALID_PRODUCER_EPOCH.
  console.log(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'].includes(refused.type) ? 'fenced' : `refused by ${refused.type} ${refused}`)
  await transaction.commit()

  for (const value of await read(false)) console.log(`read_committed ${value}`)
  console.log(`read_uncommitted ${(await read(true)).length}`)
}

run().then(() => process.exit(0), error => { console.error(error); process.exit(1) })
