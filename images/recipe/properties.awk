# Prints the properties that KAFKA_* variables stand for, by the rules of the
# official image: in the name, _ stands for a dot, __ for _ and ___ for -; the
# value is taken as it is.
BEGIN {
	# Variables of the scripts, no properties of Kafka's.
	count = split("VERSION HEAP_OPTS LOG4J_OPTS OPTS JMX_OPTS JVM_PERFORMANCE_OPTS GC_LOG_OPTS" \
		" LOG4J_ROOT_LOGLEVEL LOG4J_LOGGERS TOOLS_LOG4J_LOGLEVEL JMX_HOSTNAME", words, " ")
	for (i = 1; i <= count; i++)
		ours["KAFKA_" words[i]]
	for (variable in ENVIRON) {
		if (variable !~ /^KAFKA_./ || variable in ours)
			continue
		name = tolower(substr(variable, length("KAFKA_") + 1))
		gsub(/_/, ".", name)
		gsub(/\.\.\./, "-", name)
		gsub(/\.\./, "_", name)
		print name "=" ENVIRON[variable]
	}
}
