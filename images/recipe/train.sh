#!/bin/sh
# Runs once, while the image is built: starts a broker (with a ZooKeeper where this
# Kafka needs one), lets an idempotent producer write to it, stops it gracefully,
# and keeps the class-data archives that the JVMs leave behind. With them a broker
# is up in about half the time.
set -u

say() { echo "idemcheck-train: $*"; }
if ! command -v java >/dev/null; then
	say "the base image has no java on its PATH"
	exit 1
fi
if ! command -v awk >/dev/null; then
	say "the base image has no awk on its PATH"
	exit 1
fi

work=/tmp/idemcheck-train
log=$work/broker.log
mkdir -p $work
export IDEMCHECK_TRAIN=1
export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9092
export KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1
export KAFKA_LOG_DIRS=$work/data
# An image is built without network, so without a name for itself, and brokers
# before 1.0 ask for it. The engine keeps this file out of the image.
echo "127.0.0.1 $(uname -n)" >>/etc/hosts
zookeeper=
if [ -f /etc/kafka/docker/server.properties ]; then
	phases="prepare broker"
	export KAFKA_NODE_ID=1 KAFKA_PROCESS_ROLES=broker,controller
	export KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
	export KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER
	export KAFKA_CONTROLLER_QUORUM_VOTERS=1@127.0.0.1:9093
else
	phases="zookeeper broker"
	export KAFKA_BROKER_ID=1 KAFKA_ZOOKEEPER_CONNECT=127.0.0.1:2181
	export KAFKA_LISTENERS=PLAINTEXT://127.0.0.1:9092
	ZOO_DATA_DIR=$work/zookeeper /etc/kafka/docker/zookeeper >$work/zookeeper.log 2>&1 &
	zookeeper=$!
fi

# A broker tries for some seconds to reach a ZooKeeper that is still starting.
/etc/kafka/docker/run >$log 2>&1 &
broker=$!

tries=0
until grep -Eq 'Kafka ?Server.*started' $log; do
	tries=$((tries + 1))
	if [ $tries -gt 300 ] || ! kill -0 $broker 2>/dev/null; then
		say "this Kafka does not start; the end of its log:"
		tail -n 40 $log
		[ -z "$zookeeper" ] || tail -n 10 $work/zookeeper.log
		exit 1
	fi
	sleep 0.2
done

# Only for the classes that serving it loads into the broker: whether it succeeds
# is of no importance here. The options are those of 4.x, 3.x and 2.x, and older.
printf 'enable.idempotence=true\nacks=all\nretries=10\n' >$work/producer.properties
for options in "--bootstrap-server --command-config" "--bootstrap-server --producer.config" "--broker-list --producer.config"; do
	CLASSPATH=$(cat /opt/kafka/classpath) timeout -k 2 20 java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
		org.apache.kafka.tools.VerifiableProducer "${options% *}" 127.0.0.1:9092 --topic training \
		--max-messages 20 "${options#* }" $work/producer.properties >$work/producer.log 2>&1 && break
done
say "records written: $(grep -c producer_send_success $work/producer.log)"

kill -TERM $broker
wait $broker
if [ -n "$zookeeper" ]; then
	kill -TERM $zookeeper
	wait $zookeeper
fi
for phase in $phases; do
	archive=/opt/kafka/$phase.jsa
	if [ ! -f "$archive" ]; then
		say "no class-data archive of $phase: this java cannot make one, so starts take about twice as long"
	elif ! CLASSPATH=$(cat /opt/kafka/classpath) java -Xshare:on -XX:SharedArchiveFile="$archive" -XX:+UseSerialGC -version >$work/archive.log 2>&1; then
		say "no class-data archive of $phase: java refuses its own ($(head -n 1 $work/archive.log)), so starts take about twice as long"
		rm "$archive"
	else
		say "class-data archive of $phase: $(wc -c <"$archive") bytes"
	fi
done
rm -rf $work /opt/kafka/config /tmp/hsperfdata_*
