package proxy

import "github.com/idemcheck/idemcheck/history"

// attachment is what the fleet was attached to when a connection came.
type attachment struct {
	run      string
	journal  Journal
	control  Control
	metadata MetadataControl // the control, if it is one; else nil
}

// silence and consent stand in for an absent journal and control.
type (
	silence struct{}
	consent struct{}
)

func (silence) Wire(history.WireEvent)       {}
func (silence) Now() int64                   { return 0 }
func (consent) OnRequest(*Exchange) Decision { return Decision{} }
func (consent) OnAnswer(*Exchange) Decision  { return Decision{} }
func (consent) OnLost(*Exchange, int32)      {}

func newAttachment(run string, j Journal, c Control) *attachment {
	if j == nil {
		j = silence{}
	}
	if c == nil {
		c = consent{}
	}
	metadata, _ := c.(MetadataControl)
	return &attachment{run: run, journal: j, control: c, metadata: metadata}
}

// event is a row with what is known of any connection.
func (c *conn) event(kind history.WireKind, action history.Action) history.WireEvent {
	name, _ := c.clientName()
	return history.WireEvent{
		Kind: kind, Action: action, Fault: history.NoFault,
		Broker: c.lane.broker.Load(), Conn: c.id, ClientID: name,
		ProducerID: -1, Epoch: -1, BaseSequence: -1,
		Process: -1, First: -1, Last: -1, BaseOffset: -1, Partition: -1,
	}
}

// note journals what happened to a connection.
func (c *conn) note(kind history.WireKind, note string) {
	e := c.event(kind, history.ActionPassed)
	e.Note = note
	c.att.journal.Wire(e)
}

// foreign journals, once, that a connection's bytes are no Kafka frames.
func (c *conn) foreign(note string) {
	c.once.Do(func() { c.note(history.WireNotKafka, note) })
	c.opaque.Store(true)
	c.wakeAnswers()
}

// batchEvent is a row for one batch of a produce request.
func (c *conn) batchEvent(kind history.WireKind, p *pending, i int, action history.Action, fault int32) history.WireEvent {
	e, b, s := p.exchange, &p.exchange.Batches[i], &p.shares[i]
	return history.WireEvent{
		At: p.came(kind), Kind: kind, Action: action, Fault: fault,
		Broker: e.Broker, Conn: c.id, Correlation: p.correlation, ClientID: e.ClientID,
		Version: e.Version, Acks: e.Acks, Topic: b.Topic, Partition: b.Partition,
		ProducerID: b.ProducerID, Epoch: b.Epoch, BaseSequence: b.BaseSequence,
		Records: b.Records, CRC: s.crc, Bytes: s.bytes,
		Process: b.Process, First: b.First, Last: b.Last,
		BaseOffset: -1, Note: s.note,
	}
}

func (c *conn) journalBatch(kind history.WireKind, p *pending, i int, action history.Action, fault int32) {
	c.att.journal.Wire(c.batchEvent(kind, p, i, action, fault))
}

func (c *conn) journalRequest(kind history.WireKind, p *pending, action history.Action, fault int32) {
	for i := range p.exchange.Batches {
		c.journalBatch(kind, p, i, action, fault)
	}
}

// journalAnswer writes a row per partition of an answer. Where the client was
// told something else than the broker said, the row of an answer that passed
// is a forged one.
func (c *conn) journalAnswer(kind history.WireKind, p *pending, d Decision, action history.Action, fault int32) {
	for i := range p.exchange.Batches {
		b := &p.exchange.Batches[i]
		row := c.batchEvent(kind, p, i, action, fault)
		row.Error, row.BrokerCode, row.BaseOffset = b.Error, b.Error, b.BaseOffset
		if code, ok := p.withheld[i]; ok {
			row.Error = code
			if action == history.ActionPassed {
				row.Action, row.Fault = history.ActionForged, p.fault
			}
		}
		if code, ok := d.Codes[i]; ok && d.Verb == Rewrite && action == history.ActionPassed {
			row.Action, row.Fault, row.Error = history.ActionForged, d.Fault, code
		}
		c.att.journal.Wire(row)
	}
}

// lostAnswer tells the control of an answer that will never be delivered.
func (c *conn) lostAnswer(p *pending, fault int32) {
	if !p.forged {
		c.att.control.OnLost(p.exchange, fault)
	}
}
