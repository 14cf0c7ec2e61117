// Does with transactions what it is told on standard input, a line each, and answers each with a line: "ok ..." or "error NAME".
//   node transactions.js BOOTSTRAP
const { Kafka, logLevel } = require('kafkajs')
const readline = require('readline')

// Tries again for as long as a broker may be away.
const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 60 }
const kafka = new Kafka({ clientId: 'end-to-end', brokers: [process.argv[2]], logLevel: logLevel.NOTHING, retry })
const producers = new Map()
let readers = 0

async function start(transactionalId, timeoutMs) {
  const producer = kafka.producer({ transactionalId, transactionTimeout: Number(timeoutMs), maxInFlightRequests: 1, idempotent: true, retry })
  await producer.connect()
  return { producer }
}

async function read(topic, isolation, last) {
  const consumer = kafka.consumer({ groupId: `reader-${topic}-${++readers}`, readUncommitted: isolation !== 'committed' })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const values = []
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, event => reject(event.payload.error))
    consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (partition !== 0) return
        values.push(message.value.toString())
        if (values[values.length - 1] === last) resolve()
      }
    }).catch(reject)
  })
  await consumer.disconnect()
  return values.slice(0, values.indexOf(last) + 1)
}

async function committed(groupId, topic) {
  const admin = kafka.admin()
  await admin.connect()
  const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  const { offset } = partitions.find(p => p.partition === 0)
  return offset === '-1' ? 'none' : offset
}

async function run([command, ...words]) {
  const one = producers.get(words[0])
  switch (command) {
    case 'start': producers.set(words[0], await start(words[1], words[2])); return ''
    // Ends the transaction that a producer before with this id left open, as initTransactions of others does.
    case 'begin': one.transaction = await one.producer.transaction(); return ''
    case 'send': {
      const [, topic, partitions, value] = words
      await one.transaction.send({ topic, messages: Array.from({ length: Number(partitions) }, (_, partition) => ({ partition, value })) })
      return ''
    }
    case 'offset': {
      const [, consumerGroupId, topic, offset] = words
      await one.transaction.sendOffsets({ consumerGroupId, topics: [{ topic, partitions: [{ partition: 0, offset }] }] })
      return ''
    }
    case 'commit': await one.transaction.commit(); return ''
    case 'abort': await one.transaction.abort(); return ''
    case 'read': return (await read(...words)).join(',')
    case 'committed': return await committed(...words)
    default: throw new Error(`no command is called ${command}`)
  }
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      console.log(`ok ${await run(line.split(' '))}`.trim())
    } catch (error) {
      console.log(`error ${error.type || error.name} ${error.message}`.replace(/\n/g, ' '))
    }
  }
})()
