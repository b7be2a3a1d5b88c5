// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readRecords reads a file of the binary version and adds its images to a half: records of the label, of CIFAR-100 the superclass and
// then the class, and 3072 bytes of pixels.
func (c cifar) readRecords(r io.Reader, to *cifarImages) error {
	labels := 1
	if c.coarse > 0 {
		labels = 2
	}
	record := make([]uint8, labels+cifarPixels)
	buffered := bufio.NewReaderSize(r, 1<<16)
	for i := 0; ; i++ {
		at := i * len(record)
		switch n, err := io.ReadFull(buffered, record); {
		case err == io.EOF && i > 0:
			return nil
		case err == io.EOF:
			return errors.New("it is empty")
		case err == io.ErrUnexpectedEOF:
			return fmt.Errorf("record %d, at byte %d, is cut off after %d of %d bytes: %w", i, at, n, len(record), err)
		case err != nil:
			return fmt.Errorf("record %d, at byte %d: %w", i, at, err)
		}
		if c.coarse > 0 && int(record[0]) >= c.coarse {
			return fmt.Errorf("record %d, at byte %d: label of the superclass %d: want 0 to %d", i, at, record[0], c.coarse-1)
		}
		label := record[labels-1]
		if err := c.checkLabel(int64(label)); err != nil {
			return fmt.Errorf("record %d, at byte %d: %w", i, at+labels-1, err)
		}
		to.labels, to.pix = append(to.labels, label), append(to.pix, record[labels:]...)
	}
}

// readCIFARNames reads a text of a class's name a line, with or without empty lines at its end.
func readCIFARNames(r io.Reader) ([]string, error) {
	var names []string
	scanner := bufio.NewScanner(r)
	line, empty := 1, 0
	for ; scanner.Scan(); line++ {
		name := strings.TrimSpace(scanner.Text())
		switch {
		case name == "":
			empty = line
		case empty != 0:
			return nil, lineError{empty, errors.New("an empty line among the names of the classes")}
		default:
			names = append(names, name)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, lineError{line, err}
	}
	return names, nil
}
