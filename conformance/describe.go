package conformance

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe spells a request or answer out, a field a line; record batches by
// their headers.
func describe(message any) string {
	var b strings.Builder
	spell(&b, "", reflect.ValueOf(message).Elem())
	return strings.TrimSuffix(b.String(), "\n")
}

func spell(b *strings.Builder, indent string, v reflect.Value) {
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		if !field.IsExported() || field.Name == "UnknownTags" {
			continue
		}
		name := indent + field.Name
		switch {
		case field.Name == "Records" || field.Name == "RecordBatches":
			fmt.Fprintf(b, "%s: %d bytes\n", name, value.Len())
			for _, line := range spellBatches(value.Bytes()) {
				fmt.Fprintf(b, "%s  %s\n", indent, line)
			}
		case field.Name == "ErrorCode":
			fmt.Fprintf(b, "%s: %s\n", name, codeName(int16(value.Int())))
		case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
			for n := range value.Len() {
				fmt.Fprintf(b, "%s[%d]\n", name, n)
				spell(b, indent+"  ", value.Index(n))
			}
		case value.Kind() == reflect.Struct:
			fmt.Fprintf(b, "%s\n", name)
			spell(b, indent+"  ", value)
		case value.Kind() == reflect.Array && value.Type().Elem().Kind() == reflect.Uint8:
			fmt.Fprintf(b, "%s: %x\n", name, value.Interface())
		default:
			text, err := json.Marshal(value.Interface())
			if err != nil {
				text = fmt.Append(nil, value.Interface())
			}
			fmt.Fprintf(b, "%s: %s\n", name, text)
		}
	}
}

// spellBatches says what record batches (magic 2) are in bytes.
func spellBatches(src []byte) (lines []string) {
	for len(src) >= 12 {
		size := 12 + int(int32(binary.BigEndian.Uint32(src[8:])))
		if size < 61 || size > len(src) || src[16] != 2 {
			return append(lines, fmt.Sprintf("%d bytes that are no whole record batch", len(src)))
		}
		var raw kmsg.RecordBatch
		if err := raw.ReadFrom(src[:size]); err != nil {
			return append(lines, fmt.Sprintf("%d bytes that are no record batch: %v", size, err))
		}
		lines = append(lines, fmt.Sprintf("batch: producer id %d, epoch %d, base sequence %d, %d records, last offset delta %d, base offset %d, attributes %#x, timestamps %d to %d, CRC %08x",
			raw.ProducerID, raw.ProducerEpoch, raw.FirstSequence, raw.NumRecords, raw.LastOffsetDelta, raw.FirstOffset, raw.Attributes, raw.FirstTimestamp, raw.MaxTimestamp, uint32(raw.CRC)))
		src = src[size:]
	}
	return lines
}

// codeName is an error code with its name: "45 (OUT_OF_ORDER_SEQUENCE_NUMBER)".
func codeName(code int16) string {
	if code == 0 {
		return "0 (NONE)"
	}
	var e *kerr.Error
	if errors.As(kerr.ErrorForCode(code), &e) && e.Code == code {
		return fmt.Sprintf("%d (%s)", code, e.Message)
	}
	return fmt.Sprintf("%d (a code that Kafka does not have)", code)
}
