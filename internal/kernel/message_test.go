// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The digest is Python's: hmac.new(b"key", b'{"msg_id":"1"}{}{}{"a":1}', "sha256").hexdigest().
const digest = "b5c3f3f2ae4bdd60a1ea8475a37961c8cc8853392dcee28a7c72f2463bd7f890"

func TestSign(t *testing.T) {
	parts := [][]byte{[]byte(`{"msg_id":"1"}`), []byte("{}"), []byte("{}"), []byte(`{"a":1}`)}
	if got := string(key("key").sign(parts...)); got != digest {
		t.Errorf("sign = %s, want %s", got, digest)
	}
	if got := key(nil).sign(parts...); len(got) != 0 {
		t.Errorf("without a key it signs %s", got)
	}
}

func TestParse(t *testing.T) {
	whole := []string{"client", "route", delimiter, digest, `{"msg_id":"1"}`, "{}", "{}", `{"a":1}`, "buffer"}
	frames := func(change func(f []string) []string) [][]byte {
		var frames [][]byte
		for _, f := range change(append([]string(nil), whole...)) {
			frames = append(frames, []byte(f))
		}
		return frames
	}
	m, err := key("key").parse(frames(func(f []string) []string { return f }))
	if err != nil {
		t.Fatal(err)
	}
	if m.header.ID != "1" || len(m.identities) != 2 || len(m.buffers) != 1 || string(m.content) != `{"a":1}` {
		t.Errorf("parse = %+v", m)
	}
	if diff := cmp.Diff(frames(func(f []string) []string { return f }), key("key").frames(m)); diff != "" {
		t.Errorf("frames don't repeat what was parsed (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		name   string
		change func(f []string) []string
		want   string
	}{
		{"no delimiter", func(f []string) []string { return append(f[:2], f[3:]...) }, "8 frames"},
		{"cut off", func(f []string) []string { return f[:7] }, "7 frames"},
		{"nothing", func([]string) []string { return nil }, "0 frames"},
		{"changed", func(f []string) []string { f[7] = `{"a":2}`; return f }, errSignature.Error()},
		{"unsigned", func(f []string) []string { f[3] = ""; return f }, errSignature.Error()},
		{"no JSON", func(f []string) []string {
			f[6] = "x"
			f[3] = string(key("key").sign([]byte(f[4]), []byte(f[5]), []byte(f[6]), []byte(f[7])))
			return f
		}, "metadata"},
	} {
		if _, err := key("key").parse(frames(test.change)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestNewMessage(t *testing.T) {
	request := newMessage("client", "execute_request", message{}, struct{}{})
	request.identities = [][]byte{[]byte("route")}
	reply := newMessage("kernel", "execute_reply", request, map[string]string{"text": "<b>"})
	again, err := key("k").parse(key("k").frames(reply))
	if err != nil {
		t.Fatal(err)
	}
	if again.parentID() != request.header.ID || again.header.Session != "kernel" || string(again.identities[0]) != "route" {
		t.Errorf("the reply is %+v", again)
	}
	if string(again.content) != `{"text":"<b>"}` {
		t.Errorf("the content is %s", again.content)
	}
	if request.header.ID == reply.header.ID || len(request.header.ID) != 36 {
		t.Errorf("identifiers %s and %s", request.header.ID, reply.header.ID)
	}
}

// FuzzParse looks for frames on which parse panics, or which it doesn't give back as they were.
func FuzzParse(f *testing.F) {
	f.Add([]byte("id\x00<IDS|MSG>\x00\x00{}\x00{}\x00{}\x00{}\x00buffer"))
	f.Add([]byte("<IDS|MSG>\x00\x00{\"msg_id\":3}\x00{}\x00{}\x00{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var frames [][]byte
		for part := range strings.SplitSeq(string(data), "\x00") {
			frames = append(frames, []byte(part))
		}
		m, err := key(nil).parse(frames)
		if err != nil {
			if errors.Is(err, errSignature) && len(frames) < 6 {
				t.Errorf("%v of %d frames", err, len(frames))
			}
			return
		}
		if diff := cmp.Diff(frames, key(nil).frames(m)); diff != "" {
			t.Error(diff)
		}
		_ = m.parentID()
	})
}

func TestReadConnection(t *testing.T) {
	name := t.TempDir() + "/kernel.json"
	for _, test := range []struct{ change, to, want string }{
		{"tcp", "tcp", ""},
		{"tcp", "udp", "transport"},
		{"hmac-sha256", "hmac-md5", "signature_scheme"},
		{"{", "", "invalid character"},
	} {
		text := strings.Replace(`{"transport":"tcp","ip":"127.0.0.1","shell_port":7,"signature_scheme":"hmac-sha256","key":"k"}`, test.change, test.to, 1)
		write(t, name, text)
		c, err := readConnection(name)
		if test.want == "" && (err != nil || c.address(c.ShellPort) != "tcp://127.0.0.1:7") {
			t.Errorf("%v, %+v", err, c)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), name)) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
	}
}

// content returns a message with a content and nothing else.
func content(v any) message { return message{content: json.RawMessage(mustJSON(v))} }
