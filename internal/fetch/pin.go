// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// Unknown is the Size of a file of unknown size.
const Unknown = -1

// mostBytes bounds a file of unknown size, so that a server without end doesn't fill the disk.
const mostBytes = 4 << 30

// A Pin says what a file must be.
type Pin struct {
	// Name is what the file is, for error messages: "jax 1.0".
	Name string
	// SHA256 is the hash of the file in hexadecimal, or the first digits of it; empty if any file will do.
	SHA256 string
	// Size is the number of bytes, or Unknown.
	Size int64
}

// ErrHash is wrapped by the errors that tell of a file with another SHA-256 than the pinned one.
var ErrHash = errors.New("wrong SHA-256")

// limit is the number of bytes from which on a file is too long.
func (p Pin) limit() int64 {
	if p.Size == Unknown {
		return mostBytes + 1
	}
	return p.Size + 1
}

// Copy copies a file from src to dst and compares its size and hash with the pinned ones.
func (p Pin) Copy(dst io.Writer, src io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(dst, sum), io.LimitReader(src, p.limit()))
	if err != nil {
		return err
	}
	return p.check(n, sum)
}

// check compares the size and the hash of a file with the pinned ones.
func (p Pin) check(n int64, sum hash.Hash) error {
	switch {
	case p.Size == Unknown && n > mostBytes:
		return fmt.Errorf("it is longer than %d bytes", int64(mostBytes))
	case p.Size != Unknown && n > p.Size:
		return fmt.Errorf("it is longer than the %d bytes of %s", p.Size, p.Name)
	case p.Size != Unknown && n < p.Size:
		return fmt.Errorf("it is shorter than the %d bytes of %s", p.Size, p.Name)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.HasPrefix(got, p.SHA256) {
		return fmt.Errorf("%w %s: that of %s %s %s", ErrHash, got, p.Name, p.verb(), p.SHA256)
	}
	return nil
}

// verb is "is", or "begins with" if the hash isn't all known.
func (p Pin) verb() string {
	if len(p.SHA256) < 2*sha256.Size {
		return "begins with"
	}
	return "is"
}
