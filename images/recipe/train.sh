#!/bin/sh
# Runs once, while the image is built: starts a broker, lets an idempotent producer
# write to it, stops it gracefully, and keeps the class-data archives that the two
# JVMs leave behind. With them a broker is up in about half the time.
set -u

if ! command -v java >/dev/null; then
	echo "idemcheck-train: the base image has no java on its PATH"
	exit 1
fi

work=/tmp/idemcheck-train
log=$work/broker.log
mkdir -p $work
export IDEMCHECK_TRAIN=1
export KAFKA_NODE_ID=1 KAFKA_PROCESS_ROLES=broker,controller
export KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9092
export KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER
export KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:9093
export KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1
export KAFKA_LOG_DIRS=$work/data

/etc/kafka/docker/run >$log 2>&1 &
broker=$!

tries=0
until grep -q 'Kafka Server started' $log; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 $broker 2>/dev/null; then
		echo "idemcheck-train: this Kafka does not start; the end of its log:"
		tail -n 40 $log
		exit 1
	fi
	sleep 0.2
done

# Only for the classes that serving it loads into the broker: whether it succeeds
# is of no importance here.
printf 'enable.idempotence=true\nretries=10\n' >$work/producer.properties
CLASSPATH=$(cat /opt/kafka/classpath) timeout 20 java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
	org.apache.kafka.tools.VerifiableProducer --bootstrap-server 127.0.0.1:9092 --topic training \
	--max-messages 20 --command-config $work/producer.properties >$work/producer.log 2>&1 ||
	CLASSPATH=$(cat /opt/kafka/classpath) timeout 20 java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
		org.apache.kafka.tools.VerifiableProducer --bootstrap-server 127.0.0.1:9092 --topic training \
		--max-messages 20 --producer.config $work/producer.properties >>$work/producer.log 2>&1
grep -c producer_send_success $work/producer.log | sed 's/^/idemcheck-train: records written: /'

kill -TERM $broker
wait $broker
for phase in prepare broker; do
	if [ -f /opt/kafka/$phase.jsa ]; then
		echo "idemcheck-train: class-data archive of $phase: $(wc -c </opt/kafka/$phase.jsa) bytes"
	else
		echo "idemcheck-train: no class-data archive of $phase: this java cannot make one"
	fi
done
rm -rf $work /opt/kafka/config /tmp/hsperfdata_*
