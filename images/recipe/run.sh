#!/bin/sh
# Starts one Kafka broker of any version, by the contract of the official
# apache/kafka image: KAFKA_* variables become properties, CLUSTER_ID names the
# cluster, storage is formatted at the first start (with process.roles; a broker
# with zookeeper.connect has nothing to format), and the JVM replaces this shell,
# so that it is process 1 and gets the container's signals itself.
#
# The wrapper that translates variables in the official image exists only from 3.7
# on. Doing it here serves every version alike, and costs no JVM.
set -eu
# shellcheck source=SCRIPTDIR/common.sh
. /etc/kafka/docker/common

properties=$final/server.properties
: "${CLUSTER_ID:=idemcheckAAAAAAAAAAAAA}"
: "${KAFKA_HEAP_OPTS=-Xms256m -Xmx256m}"
: "${KAFKA_JVM_PERFORMANCE_OPTS=$quick}"

# configure writes the properties: those of the variables, after those of a mounted
# file; the defaults only when there are neither.
configure() {
	: >$properties
	if [ -f $mounted/server.properties ]; then
		cat $mounted/server.properties >$properties
		echo >>$properties
	fi
	awk -f $defaults/properties.awk >>$properties
	[ ! -s $properties ] || return 0
	if [ ! -f $defaults/server.properties ]; then
		echo "Kafka was not started: this version needs ZooKeeper, set KAFKA_ZOOKEEPER_CONNECT=host:2181 and KAFKA_BROKER_ID (its image starts a ZooKeeper with the command $defaults/zookeeper)" >&2
		exit 1
	fi
	cat $defaults/server.properties >$properties
}

# format makes the storage of a KRaft node. A container's environment never changes,
# so its later starts skip this and save one JVM, unless somebody mounted
# configuration files, which can change.
format() {
	grep -q '^[[:space:]]*process\.roles[[:space:]]*[=:]' $properties || return 0
	if [ -f $final/.formatted ] && [ ! -d $mounted ]; then
		return
	fi
	options=$(logging tools-log4j "${KAFKA_TOOLS_LOG4J_LOGLEVEL:-WARN}")
	# In the background, for a shell that is process 1 runs no trap while it
	# waits for a child in the foreground, and a stop would time out.
	# shellcheck disable=SC2046,SC2086 # options are lists of words
	java -Xmx128m $quick $(archive prepare) $options \
		kafka.tools.StorageTool format --ignore-formatted --cluster-id "$CLUSTER_ID" --config $properties 2>&1 &
	child=$!
	trap 'kill $child; exit 143' TERM INT
	status=0
	wait $child || status=$?
	trap - TERM INT
	if [ $status -ne 0 ]; then
		echo "Kafka was not started: its configuration or its storage was refused, see above" >&2
		exit 1
	fi
	: >$final/.formatted
}

configure
format
: "${KAFKA_LOG4J_OPTS=$(logging log4j "${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO}" "${KAFKA_LOG4J_LOGGERS-}")}"
# shellcheck disable=SC2046,SC2086 # options are lists of words
exec java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS $(archive broker) ${KAFKA_GC_LOG_OPTS-} ${KAFKA_JMX_OPTS-} \
	$KAFKA_LOG4J_OPTS ${KAFKA_OPTS-} kafka.Kafka $properties
