#!/bin/sh
# Starts the ZooKeeper that comes with this Kafka's jars, for brokers of versions
# without KRaft. Variables, all of them optional:
#   ZOO_PORT       port for brokers, 2181
#   ZOO_DATA_DIR   folder of its data, /var/lib/zookeeper
#   ZOO_TICK_TIME  milliseconds of a tick, 2000; a session lasts 2 to 20 of them
#   ZOO_MY_ID, ZOO_SERVERS
#                  for an ensemble: this server's number, and all servers as words
#                  of ZooKeeper's own form, "server.1=host:2888:3888 ..."
#   ZOO_HEAP_OPTS, ZOO_OPTS
#                  options of the JVM, -Xms64m -Xmx128m and none
#   KAFKA_LOG4J_ROOT_LOGLEVEL, KAFKA_LOG4J_LOGGERS
#                  levels of the log, as for a broker
set -eu
# shellcheck source=SCRIPTDIR/common.sh
. /etc/kafka/docker/common

data=${ZOO_DATA_DIR:-/var/lib/zookeeper}
mkdir -p "$data"
echo "${ZOO_MY_ID:-1}" >"$data/myid"
{
	echo "dataDir=$data"
	echo "clientPort=${ZOO_PORT:-2181}"
	echo "tickTime=${ZOO_TICK_TIME:-2000}"
	echo "initLimit=10"
	echo "syncLimit=5"
	echo "maxClientCnxns=0"
	# From 3.5 on: no web server, which the jars lack, and answers to a probe.
	echo "admin.enableServer=false"
	echo "4lw.commands.whitelist=ruok,srvr"
	# shellcheck disable=SC2086 # a list of words
	[ -z "${ZOO_SERVERS-}" ] || printf '%s\n' $ZOO_SERVERS
} >$final/zookeeper.properties

options=$(logging log4j "${KAFKA_LOG4J_ROOT_LOGLEVEL:-INFO}" "${KAFKA_LOG4J_LOGGERS-}")
# shellcheck disable=SC2046,SC2086 # options are lists of words
exec java ${ZOO_HEAP_OPTS--Xms64m -Xmx128m} $quick $(archive zookeeper) $options ${ZOO_OPTS-} \
	org.apache.zookeeper.server.quorum.QuorumPeerMain $final/zookeeper.properties
