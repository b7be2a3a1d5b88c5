// SPDX-License-Identifier: Apache-2.0

package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// nothing is a Meaning that knows no global and no object.
type nothing struct{}

func (nothing) Global(module, name string) (any, error) {
	return nil, fmt.Errorf("%s.%s is unknown", module, name)
}
func (nothing) Persistent(id any) (any, error) { return nil, errors.New("no such object") }

func load(text string, m Meaning) (any, error) {
	return Load(bufio.NewReader(strings.NewReader(text)), m)
}

// Written by Python 3.11's pickle.dumps in protocols 2, 3 and 4: {"a": [1, -2, 300, 70000, 2**40, -2**70, True, None, 1.5], "t": ((),
// (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)), "b": b"xy" (in protocol 2 "z"), 7: "ä"}.
const (
	protocol2 = "\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\t" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88NG?\xf8\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00tq\x03()K\x01\x85q\x04K\x01K\x02\x86q\x05K\x01K\x02K\x03" +
		"\x87q\x06(K\x01K\x02K\x03K\x04tq\x07tq\x08X\x01\x00\x00\x00bq\tX\x01\x00\x00\x00zq\nK\x07X\x02\x00\x00\x00\xc3\xa4q\x0bu."
	protocol3 = "\x80\x03}q\x00(X\x01\x00\x00\x00aq\x01]q\x02(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\t" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88NG?\xf8\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00tq\x03()K\x01\x85q\x04K\x01K\x02\x86q\x05K\x01K\x02K\x03" +
		"\x87q\x06(K\x01K\x02K\x03K\x04tq\x07tq\x08X\x01\x00\x00\x00bq\tC\x02xyq\nK\x07X\x02\x00\x00\x00\xc3\xa4q\x0bu."
	protocol4 = "\x80\x04\x95o\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94]\x94(K\x01J\xfe\xff\xff\xffM,\x01Jp\x11\x01\x00\x8a\x06\x00\x00\x00\x00\x00\x01\x8a\t" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\xc0\x88NG?\xf8\x00\x00\x00\x00\x00\x00e\x8c\x01t\x94()K\x01\x85\x94K\x01K\x02\x86\x94K\x01K\x02K\x03\x87\x94" +
		"(K\x01K\x02K\x03K\x04t\x94t\x94\x8c\x01b\x94C\x02xy\x94K\x07\x8c\x02\xc3\xa4\x94u."
)

func TestLoadPython(t *testing.T) {
	big70 := new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 70))
	one, two, three, four := int64(1), int64(2), int64(3), int64(4)
	for text, b := range map[string]any{protocol2: "z", protocol3: []byte("xy"), protocol4: []byte("xy")} {
		got, err := load(text, nothing{})
		if err != nil {
			t.Fatal(err)
		}
		want := &Dict{
			Keys: []any{"a", "t", "b", int64(7)},
			Values: []any{
				&List{[]any{one, int64(-2), int64(300), int64(70000), int64(1 << 40), big70, true, nil, 1.5}},
				Tuple{Tuple{}, Tuple{one}, Tuple{one, two}, Tuple{one, two, three}, Tuple{one, two, three, four}},
				b, "ä",
			},
		}
		equalInts := cmp.Comparer(func(x, y *big.Int) bool { return x.Cmp(y) == 0 })
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Dict{}), equalInts); diff != "" {
			t.Errorf("protocol %d (-want +got):\n%s", text[1], diff)
		}
		for _, key := range []any{"a", int64(7)} {
			if _, ok := got.(*Dict).Get(key); !ok {
				t.Errorf("no key %v", key)
			}
		}
		for _, key := range []any{"x", nil, &List{}} {
			if _, ok := got.(*Dict).Get(key); ok {
				t.Errorf("key %v", key)
			}
		}
		for n := range text {
			var format *FormatError
			if _, err := load(text[:n], nothing{}); !errors.As(err, &format) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("protocol %d, cut at %d: error %v", text[1], n, err)
			}
		}
	}
}

// functions is a Meaning of two functions and objects of any id.
type functions struct{ calls []string }

func (f *functions) Global(module, name string) (any, error) {
	return Function(func(args Tuple) (any, error) {
		f.calls = append(f.calls, fmt.Sprintf("%s.%s%v", module, name, args))
		return &Dict{}, nil
	}), nil
}
func (*functions) Persistent(id any) (any, error) { return id, nil }

// TestLoadMeaning checks that nothing but the Meaning is called.
func TestLoadMeaning(t *testing.T) {
	f := &functions{}
	got, err := load("\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsQ\x85R}b.", f)
	if diff := cmp.Diff([]string{"os.system[ls]"}, f.calls); err != nil || diff != "" {
		t.Errorf("calls %v, %v", f.calls, err)
	}
	if _, ok := got.(*Dict); !ok {
		t.Errorf("got %s", Describe(got))
	}
	for text, want := range map[string]string{
		"\x80\x02cos\nsystem\n.":                "byte 2: GLOBAL: os.system is unknown",
		"\x80\x04\x8c\x02os\x8c\x06system\x93.": "byte 14: STACK_GLOBAL: os.system is unknown",
		"\x80\x04K\x01K\x02\x93.":               "want two texts",
		"\x80\x02NQ.":                           "BINPERSID: no such object",
		"\x80\x02N)R.":                          "REDUCE: None can't be called",
		"\x80\x02X\x02\x00\x00\x00\xff\xff.":    "not UTF-8",
		"\x80\x02Na.":                           "APPEND: the stack is empty",
		"\x80\x02NNa.":                          "want a list, got None",
		"\x80\x02}(Nu.":                         "the last key has no value",
		"\x80\x02NNNs.":                         "want a dict",
		"I1\n.":                                 "opcode 'I'",
	} {
		if _, err := load(text, nothing{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// TestLoadTakesNoMore checks that what follows a pickle stays in the reader.
func TestLoadTakesNoMore(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("\x80\x02K\x01.\x80\x02K\x02.rest"))
	for want := range int64(2) {
		if got, err := Load(r, nothing{}); err != nil || got != any(want+1) {
			t.Errorf("got %v, %v", got, err)
		}
	}
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "rest" {
		t.Errorf("%q is left, %v", rest, err)
	}
}

func TestLoadReaderError(t *testing.T) {
	broken := errors.New("broken disk")
	for n := range protocol4 {
		_, err := Load(bufio.NewReader(io.MultiReader(strings.NewReader(protocol4[:n]), iotest.ErrReader(broken))), nothing{})
		var format *FormatError
		if !errors.Is(err, broken) || errors.As(err, &format) {
			t.Errorf("after %d bytes: error %v", n, err)
		}
	}
}

// Bytes are keys of their own: a dict may have both "a" and b"a".
func TestDictBytesKeys(t *testing.T) {
	got, err := load("\x80\x03}(C\x01aK\x01X\x01\x00\x00\x00aK\x02C\x01aK\x03u.", nothing{})
	if err != nil {
		t.Fatal(err)
	}
	d := got.(*Dict)
	asBytes, _ := d.Get([]byte("a"))
	asText, _ := d.Get("a")
	if len(d.Keys) != 2 || asBytes != any(int64(3)) || asText != any(int64(2)) {
		t.Errorf("keys %v, values %v", d.Keys, d.Values)
	}
	if _, ok := d.Get([]byte("b")); ok {
		t.Error(`key b"b"`)
	}
}

// a cup takes a state once.
type cup struct{ state any }

func (c *cup) Build(state any) error {
	if c.state != nil {
		return errors.New("the cup is full")
	}
	c.state = state
	return nil
}

// cups is a Meaning whose every function makes a cup.
type cups struct{ nothing }

func (cups) Global(string, string) (any, error) {
	return Function(func(Tuple) (any, error) { return &cup{}, nil }), nil
}

func TestLoadBuilder(t *testing.T) {
	got, err := load("\x80\x02cm\ncup\n)RK\x07b.", cups{})
	if c, ok := got.(*cup); err != nil || !ok || c.state != any(int64(7)) {
		t.Errorf("got %v, %v", got, err)
	}
	for text, want := range map[string]string{
		"\x80\x02cm\ncup\n)RK\x07bK\x08b.": "byte 16: BUILD: the cup is full",
		"\x80\x02]Nb.":                     "BUILD: a list of 0 takes no attributes",
		"\x80\x02K\x07b.":                  "BUILD: the stack is empty",
	} {
		if _, err := load(text, cups{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	if got, err := load("\x80\x02})b.", nothing{}); err != nil || len(got.(*Dict).Keys) != 0 {
		t.Errorf("attributes of a dict: %v", err)
	}
}
