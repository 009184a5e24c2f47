# shellcheck shell=sh
# Sourced by the scripts that start Kafka and ZooKeeper: the class path, the JVM's
# options, and the logging of the log4j that this Kafka was built for.

defaults=/etc/kafka/docker
mounted=/mnt/shared/config
kafka=/opt/kafka
final=$kafka/config

# An explicit list, made at build time: the order of a lib/* wildcard is the file
# system's, and a class-data archive is only good for the order it was made with.
CLASSPATH=${CLASSPATH:+$CLASSPATH:}$(cat $kafka/classpath)
export CLASSPATH

# Quick start and a small footprint count here, not peak throughput.
# shellcheck disable=SC2034 # the scripts use it
quick="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"

# archive PHASE prints the option that uses, or in training makes, the class-data
# archive of a phase. A JRE that cannot have one (before 13) has no file here.
archive() {
	if [ -n "${IDEMCHECK_TRAIN-}" ]; then
		echo "-XX:+IgnoreUnrecognizedVMOptions -XX:ArchiveClassesAtExit=$kafka/$1.jsa"
	elif [ -f "$kafka/$1.jsa" ]; then
		echo "-XX:SharedArchiveFile=$kafka/$1.jsa"
	fi
}

# logging NAME LEVEL LOGGERS prints the JVM's option for a configuration of its log,
# made of a default file, the level of the root logger, and NAME=LEVEL,NAME=LEVEL.
# Both kinds of file end where loggers may be added, and the last of a name wins. A
# mounted file is taken as it is.
logging() {
	if [ -f "$defaults/${1}2.yaml" ]; then
		file=${1}2.yaml
		logger='      - name: "\1"\n        level: \2'
		echo "-Dlog4j2.configurationFile=$final/$file"
	else
		file=$1.properties
		logger='log4j.logger.\1=\2'
		echo "-Dlog4j.configuration=file:$final/$file"
	fi
	if [ -f "$mounted/$file" ]; then
		cp "$mounted/$file" "$final/$file"
		return
	fi
	sed "s/ROOT_LEVEL/$2/" "$defaults/$file" >"$final/$file"
	printf '%s\n' "${3-}" | tr , '\n' | sed -n "s/^\(..*\)=\(..*\)\$/$logger/p" >>"$final/$file"
}

mkdir -p $final
