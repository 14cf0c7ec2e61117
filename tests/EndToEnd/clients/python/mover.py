"""Moves amounts between accounts: takes requests from one partition, writes both halves and its own offset in one transaction each.

Lives until it is killed. Started again it goes on where the committed offset stands; its fixed transactional id ends what its earlier life left open.
Ends with 3 when its producer can no longer be used, as an application does that is to be started again.
"""
import random
import sys

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

bootstrap, partition, timeout_ms, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
common = {"bootstrap.servers": bootstrap, "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 50, "log_level": 0}
consumer = Consumer({**common, "group.id": "movers", "isolation.level": "read_committed", "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 50})
producer = Producer({**common, "transactional.id": f"mover-{partition}", "transaction.timeout.ms": timeout_ms, "retry.backoff.ms": 20, "linger.ms": 0})


def again(call):
    """Repeats a call that only took too long, which is what the client asks for."""
    while True:
        try:
            return call()
        except KafkaException as e:
            if not e.args[0].retriable() or e.args[0].txn_requires_abort():
                raise


def go_to_committed():
    while True:
        try:
            committed = consumer.committed([TopicPartition("transfers", partition)], 10)[0]
            if committed.error is None:
                break
        except KafkaException as e:
            if e.args[0].fatal():
                raise
    consumer.assign([TopicPartition("transfers", partition, max(committed.offset, 0))])


def move(message):
    number, source, target, amount = message.value().decode().split()
    producer.begin_transaction()
    producer.produce("accounts", partition=int(source), value=f"{number} -{amount}")
    if random.random() < 0.3:
        producer.flush()  # so that a kill can come between the halves
    producer.produce("accounts", partition=int(target), value=f"{number} {amount}")
    offset = TopicPartition("transfers", partition, message.offset() + 1)
    again(lambda: producer.send_offsets_to_transaction([offset], consumer.consumer_group_metadata(), 10))
    if random.random() < 0.1:
        again(lambda: producer.abort_transaction(10))
        go_to_committed()
    else:
        again(lambda: producer.commit_transaction(10))


try:
    again(lambda: producer.init_transactions(10))
    go_to_committed()
    while True:
        message = consumer.poll(1)
        if message is None or message.error():
            continue
        try:
            move(message)
        except KafkaException as e:
            if not e.args[0].txn_requires_abort():
                raise
            again(lambda: producer.abort_transaction(10))
            go_to_committed()
except KafkaException as e:
    print(e.args[0], file=sys.stderr, flush=True)
    sys.exit(3)
