// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"introspection/internal/wholefile"
)

// FormatError reports that a file of a run is not what its format says. Line is
// counted from 1 in .jsonl files and 0 in others. Find it with errors.As.
type FormatError struct {
	File string
	Line int
	Err  error
}

// Error names the file, the line and the fault.
func (e *FormatError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("runlog: %s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("runlog: %s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the fault alone.
func (e *FormatError) Unwrap() error { return e.Err }

// writeFile writes a whole file, flushed to the disk if sync is set.
func writeFile(path string, sync bool, write func(w io.Writer) error) error {
	if err := wholefile.Write(path, sync, write); err != nil {
		return fmt.Errorf("runlog: writing %s: %w", path, err)
	}
	return nil
}

// writeJSON writes v, indented, as the whole of a file.
func (r *Run) writeJSON(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("runlog: writing %s: %w", r.Path(name), err)
	}
	return r.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// readJSON reads the one value of a file into v. With strict, fields that v
// doesn't have are errors.
func (r *Run) readJSON(name string, strict bool, v any) error {
	path := r.Path(name)
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("runlog: reading %s: %w", path, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
		return &FormatError{File: path, Err: err}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return &FormatError{File: path, Err: errors.New("more follows after the JSON value")}
	}
	return nil
}

// readLines reads a file of one JSON value a line. An unterminated last line
// that is no JSON value is left out, with a warning.
func readLines[T any](r *Run, name string) ([]T, error) {
	path := r.Path(name)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("runlog: reading %s: %w", path, err)
	}
	var values []T
	for number := 1; len(data) > 0; number++ {
		line, rest, terminated := bytes.Cut(data, []byte{'\n'})
		data = rest
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if !terminated && !json.Valid(line) {
			r.warn(&FormatError{File: path, Line: number, Err: errors.New("the last line is torn and was left out")})
			break
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, &FormatError{File: path, Line: number, Err: err}
		}
		values = append(values, v)
	}
	return values, nil
}

// appendLine appends v as one line to a file, which is made if it isn't there,
// after it has mended the file's end.
func (r *Run) appendLine(name string, v any) (err error) {
	path := r.Path(name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("runlog: appending to %s: %w", path, err)
		}
	}()
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	mended, err := mendEnd(f)
	if err != nil {
		return err
	}
	_, err = f.Write(append(append(mended, line...), '\n')) // one write: a line is whole or torn, never mixed
	return err
}

// mendEnd makes f ready for another line. It cuts a torn last line off, and
// returns the line break to write first if the last line lacks only that.
func mendEnd(f *os.File) ([]byte, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return nil, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil || last[0] == '\n' {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil {
		return nil, err
	}
	start := bytes.LastIndexByte(data, '\n') + 1
	if json.Valid(data[start:]) {
		return []byte{'\n'}, nil
	}
	return nil, f.Truncate(int64(start))
}
