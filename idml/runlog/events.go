// SPDX-License-Identifier: Apache-2.0

package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Names of TensorBoard's event files: eventsPrefix, seconds since 1970 in ten digits, host and process, eventsSuffix. TensorBoard
// reads the files of a folder in the order of their names.
const (
	eventsPrefix = "events.out.tfevents."
	eventsSuffix = ".idml"
)

// Tags of the scalars. An evaluation's are evalTag and the name of the metric.
const (
	lossTag  = "train/loss"
	rateTag  = "train/lr"
	speedTag = "train/images_per_second"
	evalTag  = "eval/"
)

// An eventFile is the event file that a Run adds to: one of its own, begun by the first record that is appended.
type eventFile struct {
	mu   sync.Mutex // held through all of AppendRecord
	path string     // empty before the first record
}

// appendEvent adds a record to the run's event file, and begins that if need be. The caller holds r.events.mu.
func (r *Run) appendEvent(record Record) error {
	if _, err := os.Stat(r.events.path); err != nil { // there is none yet, or somebody removed it
		if err := r.beginEvents(); err != nil {
			return err
		}
	}
	return appendFramed(r.events.path, event(time.Now(), record.Step, summaryField, summary(scalars(record))))
}

// beginEvents makes a new event file. Its second event says from which step on it holds what TensorBoard is to show: the first that
// metrics.jsonl lacks. What earlier files, of a program that was killed, have of later steps is thereby taken back.
func (r *Run) beginEvents() error {
	silent := &Run{dir: r.dir} // a torn last line is no news here
	records, err := silent.Records()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next := 0
	if len(records) > 0 {
		next = records[len(records)-1].Step + 1
	}
	now := time.Now()
	path, err := r.newEventFile(now.Unix())
	if err != nil {
		return err
	}
	for _, e := range [][]byte{
		event(now, 0, versionField, []byte(eventVersion)),
		event(now, next, sessionField, sessionStart()),
	} {
		if err := appendFramed(path, e); err != nil {
			return err
		}
	}
	r.events.path = path
	return nil
}

// newEventFile makes an empty event file whose name comes after all others'.
func (r *Run) newEventFile(seconds int64) (string, error) {
	names, err := eventFiles(r.dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, eventsPrefix), ".")
		if other, err := strconv.ParseInt(digits, 10, 64); err == nil {
			seconds = max(seconds, other+1)
		}
	}
	host, err := os.Hostname()
	if err != nil || host == "" || strings.ContainsAny(host, `/\:`) {
		host = "localhost"
	}
	path := r.Path(fmt.Sprintf("%s%010d.%s.%d%s", eventsPrefix, seconds, host, os.Getpid(), eventsSuffix))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return "", fmt.Errorf("runlog: beginning an event file: %w", err)
	}
	return path, f.Close()
}

// eventFiles returns the names of the event files in a folder, sorted.
func eventFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("runlog: looking for event files: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), eventsPrefix) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// appendFramed appends one event to a file. If that fails, as on a full disk, the file stays as it was: TensorBoard reads no file
// beyond a torn event.
func appendFramed(path string, e []byte) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("runlog: appending an event: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err == nil {
		if _, err = f.Write(frame(e)); err != nil {
			err = errors.Join(err, f.Truncate(info.Size()))
		}
	}
	if err != nil {
		return fmt.Errorf("runlog: appending to %s: %w", filepath.Base(path), err)
	}
	return nil
}

// A scalar is a named number of an event.
type scalar struct {
	tag   string
	value float64
}

// scalars returns what TensorBoard is to show of a record, in a fixed order.
func scalars(r Record) []scalar {
	if r.Kind == KindStep {
		return []scalar{{lossTag, r.Loss}, {rateTag, r.LR}, {speedTag, r.ImagesPerSecond}}
	}
	var list []scalar
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		list = append(list, scalar{evalTag + name, r.Metrics[name]})
	}
	return list
}
