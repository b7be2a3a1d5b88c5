// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// metadataKey is the key of the header that holds texts instead of a tensor.
const metadataKey = "__metadata__"

// entry is what the header says of a tensor.
type entry struct {
	name, dtype string
	shape       []int
	begin, end  int
}

// parseHeader reads the JSON object of the header. It goes token by token, as encoding/json would take the last of two
// equal keys and match keys without regard to case.
func parseHeader(header []byte) (entries []entry, metadata map[string]string, err error) {
	p := &parser{decoder: json.NewDecoder(bytes.NewReader(header))}
	p.decoder.UseNumber()
	seen := map[string]bool{}
	err = p.object(func(key string) error {
		if seen[key] {
			return &FormatError{Tensor: key, Err: errors.New("occurs twice in the header")}
		}
		seen[key] = true
		if key == metadataKey {
			metadata, err = p.metadata()
			return err
		}
		e, err := p.entry(key)
		entries = append(entries, e)
		return err
	})
	if err == nil {
		if token, tail := p.decoder.Token(); tail == nil {
			err = fmt.Errorf("the header goes on after its object with %v", token)
		} else if !errors.Is(tail, io.EOF) {
			err = tail
		}
	}
	var known *FormatError
	if err != nil && !errors.As(err, &known) {
		err = &FormatError{Err: fmt.Errorf("the header is not valid: %w", err)}
	}
	return entries, metadata, err
}

// parser reads the parts of the header.
type parser struct{ decoder *json.Decoder }

// delimiter reads one of { } [ ].
func (p *parser) delimiter(want json.Delim) error {
	token, err := p.decoder.Token()
	if err != nil {
		return endOfHeader(err)
	}
	if token != want {
		return fmt.Errorf("want %v, got %v", want, token)
	}
	return nil
}

// object reads an object, calling member after each key to read the value.
func (p *parser) object(member func(key string) error) error {
	if err := p.delimiter('{'); err != nil {
		return err
	}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return endOfHeader(err)
		}
		key, ok := token.(string)
		if !ok {
			return fmt.Errorf("want a key, got %v", token)
		}
		if err := member(key); err != nil {
			return err
		}
	}
	return p.delimiter('}')
}

// metadata reads an object of strings.
func (p *parser) metadata() (map[string]string, error) {
	texts := map[string]string{}
	err := p.object(func(key string) error {
		if _, ok := texts[key]; ok {
			return fmt.Errorf("%s: %s occurs twice", metadataKey, quoteName(key))
		}
		text, err := p.text()
		if err != nil {
			return fmt.Errorf("%s: %s: %w", metadataKey, quoteName(key), err)
		}
		texts[key] = text
		return nil
	})
	return texts, err
}

// entry reads the object of one tensor.
func (p *parser) entry(name string) (entry, error) {
	e := entry{name: name}
	var offsets []int
	seen := map[string]bool{}
	err := p.object(func(key string) (err error) {
		if seen[key] {
			return fmt.Errorf("the key %s occurs twice", quoteName(key))
		}
		seen[key] = true
		switch key {
		case "dtype":
			e.dtype, err = p.text()
		case "shape":
			e.shape, err = p.integers()
		case "data_offsets":
			offsets, err = p.integers()
		default:
			return fmt.Errorf("unknown key %s", quoteName(key))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	})
	switch {
	case err != nil:
	case len(seen) != 3:
		err = errors.New("want the keys dtype, shape and data_offsets")
	case len(offsets) != 2:
		err = fmt.Errorf("data_offsets: want two numbers, got %d", len(offsets))
	default:
		e.begin, e.end = offsets[0], offsets[1]
		return e, nil
	}
	return entry{}, &FormatError{Tensor: name, Err: err}
}

// text reads a string.
func (p *parser) text() (string, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return "", endOfHeader(err)
	}
	text, ok := token.(string)
	if !ok {
		return "", fmt.Errorf("want a string, got %v", token)
	}
	return text, nil
}

// integers reads an array of integers that are not negative.
func (p *parser) integers() ([]int, error) {
	if err := p.delimiter('['); err != nil {
		return nil, err
	}
	list := []int{}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, endOfHeader(err)
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fmt.Errorf("want an integer, got %v", token)
		}
		v, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("want an integer from 0 on, got %v", quoteName(number.String()))
		}
		list = append(list, int(v))
	}
	return list, p.delimiter(']')
}

// endOfHeader says that the JSON is cut off, not the file.
func endOfHeader(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it ends too early")
	}
	return err
}
