"""Drives kafka-python as a person would: creates a topic, produces lines from standard input, consumes with a group."""
import sys

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

action, bootstrap, topic = sys.argv[1:4]
if action == "create":
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=int(sys.argv[4]), replication_factor=1)])
    admin.close()
elif action == "produce":
    codec = None if sys.argv[4] == "none" else sys.argv[4]
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks="all", linger_ms=5)
    sent = [producer.send(topic, line.rstrip("\n").encode()) for line in sys.stdin]
    producer.flush()
    for result in sent:
        result.get(timeout=30)
    producer.close()
else:
    group, count = sys.argv[4], int(sys.argv[5])
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", consumer_timeout_ms=60000)
    for record in consumer:
        sys.stdout.write(record.value.decode() + "\n")
        count -= 1
        if count == 0:
            break
    consumer.close()
