// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// protocolVersion is the version of the messaging protocol that the kernel speaks.
const protocolVersion = "5.4"

// delimiter stands between the identities of a message's way back and the message.
const delimiter = "<IDS|MSG>"

// A header is what names a message.
type header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// A message is one of Jupyter's messages. Its parts are kept as they came, so that relaying one changes nothing but its signature.
type message struct {
	identities [][]byte // the way back, on a socket of type ROUTER; the topic, on iopub
	header     header
	rawHeader  json.RawMessage
	parent     json.RawMessage
	metadata   json.RawMessage
	content    json.RawMessage
	buffers    [][]byte
}

// A key signs messages by HMAC-SHA256. The empty key leaves them unsigned.
type key []byte

// sign returns the signature of a message's four parts, in hexadecimal digits.
func (k key) sign(parts ...[]byte) []byte {
	if len(k) == 0 {
		return []byte{}
	}
	mac := hmac.New(sha256.New, k)
	for _, part := range parts {
		mac.Write(part)
	}
	return []byte(hex.EncodeToString(mac.Sum(nil)))
}

// errSignature says that a message was not signed with the connection's key.
var errSignature = errors.New("kernel: a message has a wrong signature")

// parse reads the frames of a message: identities, delimiter, signature, header, parent header, metadata, content, buffers.
func (k key) parse(frames [][]byte) (message, error) {
	at := slices.IndexFunc(frames, func(f []byte) bool { return string(f) == delimiter })
	if at < 0 || len(frames) < at+6 {
		return message{}, fmt.Errorf("kernel: %d frames make no message", len(frames))
	}
	parts := frames[at+2 : at+6]
	if !hmac.Equal(k.sign(parts...), frames[at+1]) {
		return message{}, errSignature
	}
	for i, name := range []string{"header", "parent header", "metadata", "content"} {
		if !json.Valid(parts[i]) {
			return message{}, fmt.Errorf("kernel: the %s of a message is no JSON", name)
		}
	}
	m := message{
		identities: frames[:at],
		rawHeader:  parts[0],
		parent:     parts[1],
		metadata:   parts[2],
		content:    parts[3],
		buffers:    frames[at+6:],
	}
	if err := json.Unmarshal(parts[0], &m.header); err != nil {
		return message{}, fmt.Errorf("kernel: the header of a message: %w", err)
	}
	return m, nil
}

// frames returns what [key.parse] reads.
func (k key) frames(m message) [][]byte {
	parts := [][]byte{m.rawHeader, m.parent, m.metadata, m.content}
	frames := slices.Concat(m.identities, [][]byte{[]byte(delimiter), k.sign(parts...)}, parts)
	return append(frames, m.buffers...)
}

// newMessage returns a message with a header of its own. The parent is the request that it belongs to.
func newMessage(session, kind string, parent message, content any) message {
	m := message{
		identities: parent.identities,
		header: header{
			ID:       newID(),
			Session:  session,
			Username: "kernel",
			Date:     time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
			Type:     kind,
			Version:  protocolVersion,
		},
		parent:   parent.rawHeader,
		metadata: json.RawMessage("{}"),
		content:  mustJSON(content),
	}
	if len(m.parent) == 0 {
		m.parent = json.RawMessage("{}")
	}
	m.rawHeader = mustJSON(m.header)
	return m
}

// parentID returns the identifier of the request that a message belongs to.
func (m message) parentID() string {
	var parent header
	_ = json.Unmarshal(m.parent, &parent) // it is valid JSON; what is no header has no identifier
	return parent.ID
}

// mustJSON returns a value that can be nothing but valid as JSON, without escaping HTML.
func mustJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("kernel: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

// newID returns a random identifier in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
