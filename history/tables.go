package history

// The three tables of a run directory. Column names are snake_case, carry
// their unit, and avoid words that SQL keeps for itself.

// Names of the tables, which are the first part of their part files' names.
const (
	opsTable  = "ops"
	logTable  = "log"
	wireTable = "wire"
)

// opColumns are the columns of ops-*.parquet. return_ns is NULL where the op
// was never answered, acked_offset where it was not acked.
func opColumns() []column[Op] {
	return []column[Op]{
		textColumn("topic", func(o *Op) *string { return &o.Topic }),
		int32Column("partition", func(o *Op) *int32 { return &o.Partition }),
		int32Column("process", func(o *Op) *int32 { return &o.Process }),
		int64Column("number", func(o *Op) *int64 { return &o.Number }),
		int64Column("call_ns", func(o *Op) *int64 { return &o.Call }),
		nullableColumn("return_ns", Forever, func(o *Op) *int64 { return &o.Return }),
		wordColumn("outcome", wordsOf(Pending, Unknown), func(o *Op) *Outcome { return &o.Outcome }),
		nullableColumn("acked_offset", NoOffset, func(o *Op) *int64 { return &o.Offset }),
		textColumn("error", func(o *Op) *string { return &o.Error }),
	}
}

// logColumns are the columns of log-*.parquet.
func logColumns() []column[LogRecord] {
	return []column[LogRecord]{
		textColumn("topic", func(r *LogRecord) *string { return &r.Topic }),
		int32Column("partition", func(r *LogRecord) *int32 { return &r.Partition }),
		int64Column("log_offset", func(r *LogRecord) *int64 { return &r.Offset }),
		wordColumn("standing", wordsOf(Intact, Misplaced), func(r *LogRecord) *Standing { return &r.Standing }),
		int32Column("process", func(r *LogRecord) *int32 { return &r.Process }),
		int64Column("number", func(r *LogRecord) *int64 { return &r.Number }),
		textColumn("claims", func(r *LogRecord) *string { return &r.Claims }),
		int64Column("producer_id", func(r *LogRecord) *int64 { return &r.ProducerID }),
		int32Column("producer_epoch", func(r *LogRecord) *int16 { return &r.Epoch }),
		int32Column("sequence", func(r *LogRecord) *int32 { return &r.Sequence }),
		int32Column("leader_epoch", func(r *LogRecord) *int32 { return &r.LeaderEpoch }),
		int64Column("timestamp_ms", func(r *LogRecord) *int64 { return &r.Timestamp }),
		textColumn("compression", func(r *LogRecord) *string { return &r.Compression }),
		int64Column("batch_base_offset", func(r *LogRecord) *int64 { return &r.BatchBase }),
		int32Column("batch_records", func(r *LogRecord) *int32 { return &r.BatchRecords }),
		int32Column("value_bytes", func(r *LogRecord) *int32 { return &r.Bytes }),
		added(nullableColumn("message", 0, func(r *LogRecord) *int64 { return &r.Message })),
		added(textColumn("marker", func(r *LogRecord) *string { return &r.Marker })),
	}
}

// wireColumns are the columns of wire-*.parquet.
func wireColumns() []column[WireEvent] {
	return []column[WireEvent]{
		int64Column("at_ns", func(e *WireEvent) *int64 { return &e.At }),
		wordColumn("kind", wordsOf(WireRequest, WireHidden), func(e *WireEvent) *WireKind { return &e.Kind }),
		wordColumn("action", wordsOf(ActionPassed, ActionForged), func(e *WireEvent) *Action { return &e.Action }),
		int32Column("fault", func(e *WireEvent) *int32 { return &e.Fault }),
		int32Column("broker", func(e *WireEvent) *int32 { return &e.Broker }),
		int64Column("connection", func(e *WireEvent) *int64 { return &e.Conn }),
		int32Column("correlation_id", func(e *WireEvent) *int32 { return &e.Correlation }),
		textColumn("client_id", func(e *WireEvent) *string { return &e.ClientID }),
		int32Column("api_version", func(e *WireEvent) *int16 { return &e.Version }),
		int32Column("acks", func(e *WireEvent) *int16 { return &e.Acks }),
		textColumn("topic", func(e *WireEvent) *string { return &e.Topic }),
		int32Column("partition", func(e *WireEvent) *int32 { return &e.Partition }),
		int64Column("producer_id", func(e *WireEvent) *int64 { return &e.ProducerID }),
		int32Column("producer_epoch", func(e *WireEvent) *int16 { return &e.Epoch }),
		int32Column("base_sequence", func(e *WireEvent) *int32 { return &e.BaseSequence }),
		int32Column("records", func(e *WireEvent) *int32 { return &e.Records }),
		int64Column("batch_crc", func(e *WireEvent) *uint32 { return &e.CRC }),
		int32Column("batch_bytes", func(e *WireEvent) *int32 { return &e.Bytes }),
		int32Column("process", func(e *WireEvent) *int32 { return &e.Process }),
		int64Column("first_number", func(e *WireEvent) *int64 { return &e.First }),
		int64Column("last_number", func(e *WireEvent) *int64 { return &e.Last }),
		int32Column("error_code", func(e *WireEvent) *int16 { return &e.Error }),
		int32Column("broker_error_code", func(e *WireEvent) *int16 { return &e.BrokerCode }),
		int64Column("base_offset", func(e *WireEvent) *int64 { return &e.BaseOffset }),
		textColumn("note", func(e *WireEvent) *string { return &e.Note }),
	}
}
