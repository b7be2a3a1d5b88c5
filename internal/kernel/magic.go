// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"slices"
	"strings"
	"unicode/utf16"
)

// Beginnings of what the kernel keeps from GoNB.
const (
	lineMagic = "%idml"
	cellMagic = "%%idml"
)

// A cell is a cell's text, taken apart.
type cell struct {
	commands []string // what follows %idml on its lines
	rest     string   // the cell with these lines blank, for GoNB, so that lines and columns stay what they are
	isConfig bool     // it is a cell under %%idml:
	options  string   // what follows %%idml
	body     string   // the lines below it
}

// parseCell takes a cell apart. A line is ours if it begins with %idml in its first column, as GoNB has it with its own commands.
func parseCell(code string) cell {
	trimmed := strings.TrimLeft(code, " \t\n")
	first, body, _ := strings.Cut(trimmed, "\n")
	if options, ok := cutMagic(first, cellMagic); ok {
		return cell{isConfig: true, options: options, body: body}
	}
	if isForeign(code) {
		return cell{rest: code}
	}
	var c cell
	lines := strings.Split(code, "\n")
	for i, line := range lines {
		if command, ok := cutMagic(line, lineMagic); ok {
			c.commands = append(c.commands, command)
			lines[i] = blank(line)
		}
	}
	c.rest = strings.Join(lines, "\n")
	return c
}

// isForeign tells whether GoNB takes a cell as one text that isn't Go: it writes it into a file, or hands it to another program. Like
// GoNB, it looks at the first word of the first line.
func isForeign(code string) bool {
	first, _, _ := strings.Cut(code, "\n")
	words := strings.Fields(strings.TrimPrefix(first, "//gonb:")) // GoNB's commands may stand in such a comment
	return len(words) > 0 && slices.Contains([]string{"%%writefile", "%%script", "%%bash", "%%sh", "%%gx"}, words[0])
}

// cutMagic returns what follows a magic on its line.
func cutMagic(line, magic string) (string, bool) {
	rest, ok := strings.CutPrefix(line, magic)
	if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' && rest[0] != '\r' {
		return "", false
	}
	return strings.TrimSpace(rest), true
}

// blank returns spaces in place of a line, as many as front-ends count characters in it.
func blank(line string) string {
	return strings.Repeat(" ", len(utf16.Encode([]rune(line))))
}

// magicAt returns the command on the line with the cursor, up to the cursor, if that line is one of ours. cursor counts as front-ends
// do: some UTF-16 units, others characters, which differ beyond U+FFFF only.
func magicAt(code string, cursor int) (string, bool) {
	units := utf16.Encode([]rune(code))
	if cursor < 0 || cursor > len(units) || isForeign(code) {
		return "", false
	}
	before := string(utf16.Decode(units[:cursor]))
	line := before[strings.LastIndexByte(before, '\n')+1:]
	for _, magic := range []string{cellMagic, lineMagic} {
		if rest, ok := strings.CutPrefix(line, magic); ok && strings.HasPrefix(rest, " ") {
			return strings.TrimLeft(rest, " "), true
		}
	}
	return "", false
}

// lineEnd returns where the line with the cursor ends.
func lineEnd(code string, cursor int) int {
	units := utf16.Encode([]rune(code))
	for cursor >= 0 && cursor < len(units) && units[cursor] != '\n' {
		cursor++
	}
	return cursor
}

var errQuote = errors.New("a quotation mark is not closed")

// splitWords splits a command as a shell splits simple words: at blanks, but not within '…', where all characters stand for themselves,
// nor within "…", where \ keeps a following " or \. Outside of these, \ keeps any character. Nothing is expanded.
func splitWords(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	open, quote, escaped := false, rune(0), false
	for _, r := range command {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			open, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			open, quote = true, r
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		default:
			open = true
			word.WriteRune(r)
		}
	}
	if quote != 0 || escaped {
		return nil, errQuote
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
