#!/bin/sh
# Starts one Kafka broker, by the contract of the official apache/kafka image:
# KAFKA_* variables become properties, CLUSTER_ID names the cluster, storage is
# formatted at the first start, and the JVM replaces this shell, so that it is
# process 1 and gets the container's signals itself.
#
# With --prepare as its argument it stops before the JVM of the broker: the image
# build uses that to train the two class-data archives.
set -eu

defaults=/etc/kafka/docker
mounted=/mnt/shared/config
kafka=/opt/kafka
final=$kafka/config

# An explicit list, made at build time: the order of a lib/* wildcard is the file
# system's, and a class-data archive is only good for the order it was made with.
CLASSPATH=${CLASSPATH:+$CLASSPATH:}$(cat $kafka/classpath)
export CLASSPATH
export CLUSTER_ID="${CLUSTER_ID:-idemcheckAAAAAAAAAAAAA}"

# Quick start and a small footprint count here, not peak throughput.
: "${KAFKA_HEAP_OPTS=-Xms256m -Xmx256m}"
: "${KAFKA_JVM_PERFORMANCE_OPTS=-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData}"

# archive PHASE prints the option that uses, or in training makes, the class-data
# archive of a phase. A JRE that cannot have one (before 13) has no file here.
archive() {
	if [ -n "${IDEMCHECK_TRAIN-}" ]; then
		echo "-XX:+IgnoreUnrecognizedVMOptions -XX:ArchiveClassesAtExit=$kafka/$1.jsa"
	elif [ -f "$kafka/$1.jsa" ]; then
		echo "-XX:SharedArchiveFile=$kafka/$1.jsa"
	fi
}

# prepare writes the properties and formats the storage. A container's environment
# never changes, so its later starts skip this and save one JVM, unless somebody
# mounted configuration files, which can change.
prepare() {
	if [ -f $final/.prepared ] && [ ! -d $mounted ]; then
		return
	fi
	mkdir -p $final
	# In the background, for a shell that is process 1 runs no trap while it
	# waits for a child in the foreground, and a stop would time out.
	# shellcheck disable=SC2046,SC2086 # options are lists of words
	java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData $(archive prepare) $KAFKA_LOG_OPTS_PREPARE \
		kafka.docker.KafkaDockerWrapper setup --default-configs-dir $defaults \
		--mounted-configs-dir $mounted --final-configs-dir $final >$final/.prepare.log 2>&1 &
	child=$!
	trap 'kill $child; exit 143' TERM INT
	status=0
	wait $child || status=$?
	trap - TERM INT
	cat $final/.prepare.log
	if [ $status -ne 0 ] && ! grep -qi 'already formatted' $final/.prepare.log; then
		echo "Kafka was not started: its configuration or its storage was refused, see above" >&2
		exit 1
	fi
	: >$final/.prepared
}

if [ -f $defaults/log4j2.yaml ]; then
	KAFKA_LOG_OPTS_PREPARE="-Dlog4j2.configurationFile=$defaults/tools-log4j2.yaml"
	: "${KAFKA_LOG4J_OPTS=-Dlog4j2.configurationFile=$final/log4j2.yaml}"
else
	KAFKA_LOG_OPTS_PREPARE="-Dlog4j.configuration=file:$defaults/tools-log4j.properties"
	: "${KAFKA_LOG4J_OPTS=-Dlog4j.configuration=file:$final/log4j.properties}"
fi

prepare
if [ "${1-}" = --prepare ]; then
	exit 0
fi
# shellcheck disable=SC2046,SC2086 # options are lists of words
exec java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $(archive broker) ${KAFKA_GC_LOG_OPTS-} ${KAFKA_JMX_OPTS-} \
	$KAFKA_LOG4J_OPTS ${KAFKA_OPTS-} kafka.Kafka $final/server.properties
