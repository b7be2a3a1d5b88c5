// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// What this package needs of TensorFlow's event.proto and summary.proto, encoded by hand: three messages of a few fields.
const (
	eventVersion = "brain.Event:2" // what the first event of a file says

	wallTimeField = 1 // of Event: double, seconds since 1970
	stepField     = 2 // of Event: int64
	versionField  = 3 // of Event: string
	summaryField  = 5 // of Event: Summary
	sessionField  = 7 // of Event: SessionLog

	valueField       = 1 // of Summary: repeated Value
	tagField         = 1 // of Value: string
	simpleValueField = 2 // of Value: float

	statusField = 1 // of SessionLog: SessionStatus
	statusStart = 1 // a SessionStatus: what was read before of this step and later is void
)

// Wire types of protocol buffers.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// appendKey appends the key of a field.
func appendKey(b []byte, field, wire uint64) []byte { return binary.AppendUvarint(b, field<<3|wire) }

// appendBytes appends a field that is a string or a message.
func appendBytes(b []byte, field uint64, value []byte) []byte {
	b = binary.AppendUvarint(appendKey(b, field, wireBytes), uint64(len(value)))
	return append(b, value...)
}

// event returns an Event whose one content is the given field.
func event(at time.Time, step int, field uint64, content []byte) []byte {
	seconds := float64(at.UnixMicro()) / 1e6
	b := binary.LittleEndian.AppendUint64(appendKey(nil, wallTimeField, wireFixed64), math.Float64bits(seconds))
	b = binary.AppendUvarint(appendKey(b, stepField, wireVarint), uint64(step))
	return appendBytes(b, field, content)
}

// summary returns a Summary of scalars, which it has as float32.
func summary(list []scalar) []byte {
	var b []byte
	for _, s := range list {
		value := appendBytes(nil, tagField, []byte(s.tag))
		value = binary.LittleEndian.AppendUint32(appendKey(value, simpleValueField, wireFixed32), math.Float32bits(float32(s.value)))
		b = appendBytes(b, valueField, value)
	}
	return b
}

// sessionStart returns a SessionLog that says START.
func sessionStart() []byte {
	return binary.AppendUvarint(appendKey(nil, statusField, wireVarint), statusStart)
}

// castagnoli is the polynomial of the checksums in TFRecord files.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedChecksum returns the CRC-32C of data as TFRecord stores it: rotated right by 15 bits, plus a constant.
func maskedChecksum(data []byte) uint32 {
	const delta = 0xa282ead8
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + delta
}

// frame returns a record of a TFRecord file: its length as uint64, the checksum of these 8 bytes, the data, and its checksum, all
// little-endian.
func frame(data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, len(data)+16), uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedChecksum(b))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, maskedChecksum(data))
}
