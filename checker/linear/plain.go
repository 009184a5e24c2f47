package linear

import (
	"math"

	"github.com/anishathalye/porcupine"

	"github.com/idemcheck/idemcheck/history"
)

// Record is one record's identity in a history.
type Record struct {
	Process int32
	Number  int64
}

// Append is one op of a history given to Plain.
type Append struct {
	Record
	Call, Return int64
	Outcome      history.Outcome
	Offset       int64 // acked offset, or history.NoOffset
}

// logState is the log as a register: how long it is, and what is in it as a
// chain of hashes. Registers compare in one step; lists do not.
type logState struct {
	end   int64
	chain uint64
}

// then is the log with one more record.
func (s logState) then(r Record) logState {
	h := s.chain*0x9e3779b97f4a7c15 + uint64(uint32(r.Process)) + 1
	h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>32) + uint64(r.Number)
	h = (h ^ h>>29) * 0x94d049bb133111eb
	return logState{s.end + 1, h ^ h>>32}
}

// plainInput is an append, or the final read.
type plainInput struct {
	record Record
	read   bool
	final  logState // read: what it returned
}

// plainModel is an append-only log: an append puts its record at the end, and
// its acknowledgement says where that was; a read returns everything.
func plainModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return logState{} },
		Step: func(state, input, output any) (bool, any) {
			s, in := state.(logState), input.(plainInput)
			if in.read {
				return s == in.final, s
			}
			if acked := output.(int64); acked >= 0 && acked != s.end {
				return false, s
			}
			return true, s.then(in.record)
		},
	}
}

// Plain decides whether ops, followed by a final read that returned final (the
// records by offset from 0), are linearizable. A failed op takes no part; one
// of unknown outcome never returned, so it may take effect behind the read,
// which is to say never. The time it takes grows exponentially with the ops
// open at once.
func Plain(ops []Append, final []Record) bool {
	const never = math.MaxInt64
	all := make([]porcupine.Operation, 0, len(ops)+1)
	for _, op := range ops {
		switch op.Outcome {
		case history.Acked:
			all = append(all, porcupine.Operation{Input: plainInput{record: op.Record}, Call: op.Call, Output: op.Offset, Return: op.Return})
		case history.Unknown:
			all = append(all, porcupine.Operation{Input: plainInput{record: op.Record}, Call: op.Call, Output: history.NoOffset, Return: never})
		case history.Failed, history.Pending:
		}
	}
	var s logState
	for _, r := range final {
		s = s.then(r)
	}
	all = append(all, porcupine.Operation{Input: plainInput{read: true, final: s}, Call: never - 1, Return: never})
	return porcupine.CheckOperations(plainModel(), all)
}
