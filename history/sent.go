package history

// CountsOf adds up what was recorded so far for one process.
func (r *Recorder) CountsOf(process int32) Counts {
	var sum Counts
	if p := (*r.processes.Load())[process]; p != nil {
		for _, l := range p.all() {
			sum.add(l)
		}
	}
	return sum
}

// Sent returns how many records were begun for one process so far.
func (r *Recorder) Sent(process int32) int64 { return r.CountsOf(process).Calls }

// add adds a lane's counts.
func (c *Counts) add(l *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Calls += l.counts.Calls
	c.Acked += l.counts.Acked
	c.Failed += l.counts.Failed
	c.Unknown += l.counts.Unknown
	c.AnsweredTwice += l.counts.AnsweredTwice
	c.Late += l.counts.Late
	c.Pending = c.Calls - c.Acked - c.Failed - c.Unknown
}
