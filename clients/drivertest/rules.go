package drivertest

// rule is a sentence of PROTOCOL.md, word for word, and what a driver's author
// is to do who finds it broken. A test compares them.
type rule struct {
	sentence string
	advice   string
}

var (
	ruleOutput = rule{"Nothing but events may go to standard output.",
		"let the library log to standard error, and print nothing but events"}
	ruleLine = rule{"one JSON object a line, UTF-8, each ended by a line feed",
		"write each event as one line of JSON, in one go and with its line feed, and flush it; only one thread may write at a time"}
	ruleLongLine = rule{"a line has at most 8 MiB",
		"share a line between some hundred answers at most"}
	ruleFirst = rule{"always the first, and once: open the producer, connect, answer `ready` or `fatal`",
		"answer the open command with ready, or with fatal, before anything else, and only once"}
	ruleReady = rule{"| ready | protocol, library, version, order (promised, in_call, why), deadline_ms, unmapped (option, why) | the producer is open |",
		"fill in every field of ready"}
	ruleIgnore = rule{"both sides ignore fields that they do not know",
		"let the JSON reader skip fields that it does not know"}
	ruleVersion = rule{"A driver that does not speak the version in `open` answers `fatal` with `\"class\":\"unsupported\"` and `\"option\":\"protocol\"`",
		"compare protocol in open with the versions that the driver speaks, and answer fatal, class unsupported, option protocol, when it is another, whatever else is in there"}
	ruleUnsaid = rule{"what is left out keeps the library's own default",
		"set in the library's configuration only what stands in open, idempotence and acks too"}
	ruleRefused = rule{"With `literal` the library gets every option as it stands, and says itself what it refuses: `fatal` with `\"class\":\"refused\"` and its own words in `message`.",
		"where literal is true put nothing right, and answer fatal with class refused when the library's constructor refuses its configuration"}
	ruleFatal = rule{"before `ready`: the producer cannot be opened, and the driver ends.",
		"say why in message, and end the process after the event"}
	ruleNonsense = rule{"The value is nonsense (`\"acks\":\"most\"`): `fatal`.",
		"check values before the library sees them, and answer fatal, without class unsupported, to one that nobody can mean"}
	ruleUnsupported = rule{"It has no such thing, and nothing can stand in for it",
		"answer fatal with class unsupported and the option's name only where the library lacks the thing itself"}
	ruleClientID = rule{"the client id on the wire; idemcheck finds the producer by it",
		"hand client_id to the library as it is"}
	ruleOption = rule{"An option is never dropped in silence.",
		"map the option, or list it in unmapped with what is in force instead, or answer fatal with class unsupported and its name"}
	ruleOnce = rule{"Every record gets exactly one `ack` or `error`, before `closed` at the latest.",
		"answer from the one callback that the library calls for each record, and keep the record's id with it"}
	ruleOwn = rule{"Ids are whole numbers that rise from 1; records and commands share them.",
		"answer with the id that came with the record or command"}
	ruleReported = rule{"the library reported success; the partition and offset that it reported, -1 for an offset that it does not tell",
		"ack when the library's own callback says so, with the partition and offset in it"}
	ruleUnconfirmed = rule{"With `acks` 0 no broker tells an offset: an ack has -1, whatever the library reports.",
		"write -1 for the offset when the producer was opened with acks 0"}
	rulePartition = rule{"hand the records to the library, in this order, to exactly these partitions",
		"set the partition of each record, or a partitioner that takes it from the record"}
	ruleOrder = rule{"`order.promised` says whether the library's API promises that records of one partition, sent one after the other, land in that order",
		"hand records over one after the other, in the order in which they came; if the library promises no order, ready is to say so"}
	ruleInCall = rule{"`order.in_call` whether it promises that at least for the records of one call",
		"hand the records of one command over in one call, in their order; if that promises nothing, ready is to say so"}
	ruleError = rule{"An error has the library's name of it (`class`: a type, or Kafka's name of the code), Kafka's `code` where there is one (0 or left out: none), and whether the library calls it `retriable`.",
		"take class, code, retriable and message from the error that the library's callback has"}
	ruleNever = rule{"`appended` is `\"never\"` only if the record was certainly not handed to the network on any attempt",
		"leave appended out, unless the error is in the table of those that prove that no request was ever sent"}
	ruleHide = rule{"It never sends a record again by itself, never reorders, never hides an error",
		"answer error when the library reports one, and leave trying again to the library"}
	ruleWait = rule{"`send` must not wait for the answers: a command that follows is carried out while earlier ones are unanswered.",
		"hand records over without waiting for the answers; where the library's call blocks, call it from another thread or task"}
	ruleReadAhead = rule{"It may read ahead, and it may stop reading while the library takes no more: idemcheck then waits.",
		"hand over what was read as soon as the library takes it again"}
	ruleFlush = rule{"wait until everything sent was answered, then `flushed`",
		"wait for the library's flush, or for all callbacks, and write flushed behind the last answer"}
	ruleClose = rule{"close the producer at once; answer what it leaves unanswered, then `closed`, then end with status 0.",
		"close without waiting for the broker (a timeout of 0, or purging), answer error for every record that is still open, write closed, and end the process"}
	ruleAfter = rule{"Nothing follows it",
		"write closed last, after every callback has come and been written"}
	ruleSoon = rule{"Answers go out soon, without waiting for more.",
		"flush standard output after every answer, or when no more are waiting to be written"}
	ruleBytes = rule{"key and value are text, the value up to 1 MiB, and go on the wire as their UTF-8 bytes",
		"read lines of any length as UTF-8, and hand the strings of the parsed JSON over encoded as UTF-8"}
	ruleNoKey = rule{"`key` is left out for a record without one",
		"hand over no key (null), rather than an empty one"}
	ruleGone = rule{"When standard input ends without `close`, or nobody reads standard output any more, idemcheck is gone: the driver closes what it can and ends.",
		"end the process when a read of standard input returns the end, or a write to standard output fails, from whichever thread notices"}
	ruleUnasked = rule{"A driver that ends unasked, or prints what is no event, breaks the run (exit status 3); its last lines on standard error are shown.",
		"catch what the library throws, answer with error, and go on"}
	ruleGroup = rule{"It must not start processes that leave it.",
		"start no daemons, and no programs in sessions of their own"}
	ruleStop = rule{"idemcheck may stop it (SIGSTOP), continue it and kill it at any time; that is what it is there for.",
		"let the library do what it does after a pause, and answer every record all the same"}
	ruleTxn = rule{"with a transactional id: begin or end a transaction, then `done`. `commit` and `abort` wait for what was sent in it",
		"call the library's begin, commit and abort, and write done behind the answers of what was sent in the transaction"}
	ruleTxnReady = rule{"`ready` is given once it has its producer id, so that an older instance is fenced by then",
		"initialise transactions before ready"}
	ruleFenced = rule{"`fenced` is true when another producer has taken the transactional id over.",
		"set fenced on the errors by which the library says so: PRODUCER_FENCED (90), INVALID_PRODUCER_EPOCH (47)"}
)
