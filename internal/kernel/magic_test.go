// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	for _, test := range []struct {
		command string
		want    []string
		fails   bool
	}{
		{"", nil, false},
		{"train --out  runs/a\t-v", []string{"train", "--out", "runs/a", "-v"}, false},
		{`--out 'my runs/a' ''`, []string{"--out", "my runs/a", ""}, false},
		{`"a \"b\" \\ \n c"`, []string{`a "b" \ \n c`}, false},
		{`a\ b c'd'"e"`, []string{"a b", "cde"}, false},
		{`'a\'`, []string{`a\`}, false},
		{"--set a=[1,2] $HOME *", []string{"--set", "a=[1,2]", "$HOME", "*"}, false},
		{"ähnlich 'ü b'", []string{"ähnlich", "ü b"}, false},
		{`'open`, nil, true},
		{`"open`, nil, true},
		{`end\`, nil, true},
	} {
		got, err := splitWords(test.command)
		if (err != nil) != test.fails {
			t.Errorf("%s: error %v", test.command, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.command, diff)
		}
	}
}

func TestParseCell(t *testing.T) {
	for _, test := range []struct {
		code string
		want cell
	}{
		{"", cell{}},
		{"%%\nx := 1", cell{rest: "%%\nx := 1"}},
		{"%idml version", cell{commands: []string{"version"}, rest: "             "}},
		{"%idml", cell{commands: []string{""}, rest: "     "}},
		{"%idml eval a\n%%\nfoo()\n%idml report 'ü😀'", cell{commands: []string{"eval a", "report 'ü😀'"}, rest: "            \n%%\nfoo()\n                  "}},
		{"%idmlx\n %idml\n// %idml", cell{rest: "%idmlx\n %idml\n// %idml"}},
		{"%%idml --out runs/a\n{}\n%idml", cell{isConfig: true, options: "--out runs/a", body: "{}\n%idml"}},
		{"\n%%idml\n{}", cell{isConfig: true, body: "{}"}},
		{"%%idmlx\n{}", cell{rest: "%%idmlx\n{}"}},
		{"%%writefile a.txt\n%idml version", cell{rest: "%%writefile a.txt\n%idml version"}},
		{"%%bash\n%idml", cell{rest: "%%bash\n%idml"}},
		{"%%sh\n%idml", cell{rest: "%%sh\n%idml"}},
		{"%%script cat\n%idml", cell{rest: "%%script cat\n%idml"}},
		{"//gonb:%%bash\n%idml", cell{rest: "//gonb:%%bash\n%idml"}},
		{"x()\n%%bash\n%idml", cell{commands: []string{""}, rest: "x()\n%%bash\n     "}},
	} {
		got := parseCell(test.code)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(cell{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.code, diff)
		}
		if a, b := utf16.Encode([]rune(test.code)), utf16.Encode([]rune(got.rest)); !got.isConfig && len(a) != len(b) {
			t.Errorf("%q: GoNB's cell has %d units, this one %d", test.code, len(b), len(a))
		}
	}
}

func TestMagicAt(t *testing.T) {
	const code = "x := \"😀\"\n%idml tr --out\n%%\n%idml"
	for _, test := range []struct {
		cursor int
		want   string
		ours   bool
	}{
		{0, "", false},
		{18, "tr", true},
		{24, "tr --out", true},
		{27, "", false},
		{32, "", false}, // behind "%idml", where no blank is yet
		{-1, "", false},
		{1000, "", false},
	} {
		got, ours := magicAt(code, test.cursor)
		if end := lineEnd(code, test.cursor); test.ours && end != 24 {
			t.Errorf("at %d: the line ends at %d", test.cursor, end)
		}
		if got != test.want || ours != test.ours {
			t.Errorf("at %d: %q, %t, want %q, %t", test.cursor, got, ours, test.want, test.ours)
		}
	}
}
