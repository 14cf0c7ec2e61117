// Drives kafkajs as a person would: creates a topic, produces lines from standard input, consumes with a group.
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
const lz4 = require('lz4-napi')
const { ZstdCodec } = require('zstd-codec')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => lz4.compressFrame(encoder.buffer),
  decompress: async buffer => lz4.decompressFrame(buffer),
})
const zstd = new Promise(resolve => ZstdCodec.run(module => resolve(new module.Streaming())))
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from((await zstd).compress(encoder.buffer)),
  decompress: async buffer => Buffer.from((await zstd).decompress(buffer)),
})

const [action, bootstrap, topic, ...rest] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'end-to-end', brokers: [bootstrap], logLevel: logLevel.ERROR })

async function create(partitions) {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions) }], waitForLeaders: true })
  await admin.disconnect()
}

async function produce(codec) {
  const lines = require('fs').readFileSync(0, 'utf8').split('\n').filter(line => line.length > 0)
  const producer = kafka.producer()
  await producer.connect()
  const compression = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy, lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD }[codec]
  for (let i = 0; i < lines.length; i += 500) {
    await producer.send({ topic, compression, acks: -1, messages: lines.slice(i, i + 500).map(value => ({ value })) })
  }
  await producer.disconnect()
}

async function consume(group, count) {
  const consumer = kafka.consumer({ groupId: group })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  const lines = []
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, event => reject(event.payload.error))
    consumer.run({ eachMessage: async ({ message }) => { if (lines.push(message.value.toString()) >= Number(count)) resolve() } }).catch(reject)
  })
  await new Promise(resolve => process.stdout.write(lines.join('\n') + '\n', resolve))
  await consumer.disconnect()
}

({ create, produce, consume })[action](...rest).then(() => process.exit(0), error => { console.error(error); process.exit(1) })
