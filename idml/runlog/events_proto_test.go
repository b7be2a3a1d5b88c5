// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"encoding/hex"
	"hash/crc32"
	"testing"
	"time"
)

// The bytes are those that TensorBoard 2.21.0 writes: event_pb2.Event(…).SerializeToString() and RecordWriter.
func TestEncoding(t *testing.T) {
	at := time.Unix(1700000000, 250e6)
	for _, test := range []struct {
		name string
		got  []byte
		want string
	}{
		{
			"summary", event(at, 300, summaryField, summary([]scalar{{"train/loss", 2.5}, {"eval/recall@1", 0.1}})),
			"0900001040fc54d94110ac022a290a110a0a747261696e2f6c6f737315000020400a140a0d6576616c2f726563616c6c403115cdcccc3d",
		},
		{"session", event(at, 7, sessionField, sessionStart()), "0900001040fc54d94110073a020801"},
		{"record", frame([]byte("123456789")), "090000000000000037f97139313233343536373839e5b08ac7"},
	} {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	// The check value of CRC-32C in catalogs of CRCs.
	if got := crc32.Checksum([]byte("123456789"), castagnoli); got != 0xe3069283 {
		t.Errorf("CRC-32C is %#x", got)
	}
}
