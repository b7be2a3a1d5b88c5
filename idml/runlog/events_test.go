// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"introspection/idml/runlog"
)

// An event is what the tests look at in an event: the version, the START of a session, or scalars by tag.
type event struct {
	Step    uint64
	Version string
	Start   bool
	Scalars map[string]float32
}

// readEvents decodes an event file by the description in the package comment. What isn't in it is an error; a torn last event is left
// out.
func readEvents(path string) (events []event, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	checked := func(part []byte, sum uint32) bool {
		sum -= 0xa282ead8
		return crc32.Checksum(part, crc32.MakeTable(crc32.Castagnoli)) == sum<<15|sum>>17
	}
	for len(data) >= 12 {
		n := binary.LittleEndian.Uint64(data)
		if !checked(data[:8], binary.LittleEndian.Uint32(data[8:])) {
			return events, errors.New("checksum of a length")
		}
		if uint64(len(data)) < 16+n {
			return events, nil
		}
		if !checked(data[12:12+n], binary.LittleEndian.Uint32(data[12+n:])) {
			return events, errors.New("checksum of an event")
		}
		e, err := decodeEvent(data[12 : 12+n])
		if err != nil {
			return events, err
		}
		events, data = append(events, e), data[16+n:]
	}
	return events, nil
}

// A field is one field of a protocol buffer.
type field struct {
	number uint64
	value  uint64 // of a varint or fixed field
	bytes  []byte // of a field with a length
}

// fields splits a message. It knows the four wire types that are in use.
func fields(message []byte) (list []field, err error) {
	for len(message) > 0 {
		key, n := binary.Uvarint(message)
		f := field{number: key >> 3}
		message = message[n:]
		switch key & 7 {
		case 0:
			f.value, n = binary.Uvarint(message)
		case 1:
			f.value, n = binary.LittleEndian.Uint64(message), 8
		case 2:
			length, prefix := binary.Uvarint(message)
			n = prefix + int(length)
			f.bytes = message[prefix:n]
		case 5:
			f.value, n = uint64(binary.LittleEndian.Uint32(message)), 4
		default:
			return nil, fmt.Errorf("wire type %d", key&7)
		}
		list, message = append(list, f), message[n:]
	}
	return list, nil
}

func decodeEvent(message []byte) (e event, err error) {
	list, err := fields(message)
	for _, f := range list {
		switch f.number {
		case 1:
			if seconds := math.Float64frombits(f.value); math.Abs(seconds-float64(time.Now().Unix())) > 60 {
				return e, fmt.Errorf("wall time %v", seconds)
			}
		case 2:
			e.Step = f.value
		case 3:
			e.Version = string(f.bytes)
		case 5:
			if e.Scalars, err = decodeSummary(f.bytes); err != nil {
				return e, err
			}
		case 7:
			e.Start = string(f.bytes) == "\x08\x01" // field 1, status, is 1
		default:
			return e, fmt.Errorf("field %d of an event", f.number)
		}
	}
	return e, err
}

func decodeSummary(message []byte) (map[string]float32, error) {
	values, err := fields(message)
	scalars := map[string]float32{}
	for _, v := range values {
		parts, err := fields(v.bytes)
		if err != nil || v.number != 1 || len(parts) != 2 || parts[0].number != 1 || parts[1].number != 2 {
			return nil, fmt.Errorf("a value of %v, %w", parts, err)
		}
		scalars[string(parts[0].bytes)] = math.Float32frombits(uint32(parts[1].value))
	}
	return scalars, err
}

// eventFiles returns the paths of a run's event files in the order in which TensorBoard reads them.
func eventFiles(t *testing.T, run *runlog.Run) []string {
	t.Helper()
	paths, err := filepath.Glob(run.Path("events.out.tfevents.*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

func step(n int, loss float64) runlog.Record {
	return runlog.Record{Kind: runlog.KindStep, Epoch: 1, Step: n, Loss: loss, LR: 1e-3 / float64(n), ImagesPerSecond: 100 * float64(n)}
}

func eval(n int, recall float64) runlog.Record {
	return runlog.Record{Kind: runlog.KindEval, Epoch: 1, Step: n, Metrics: map[string]float64{"recall@1": recall, "map@r": recall / 3}}
}

func appendRecords(t *testing.T, run *runlog.Run, records ...runlog.Record) {
	t.Helper()
	for _, r := range records {
		if err := run.AppendRecord(r); err != nil {
			t.Fatal(err)
		}
	}
}

// reopen returns the run as a program that resumes it sees it: with the records up to a step, and new ones to a file of their own.
func reopen(t *testing.T, run *runlog.Run, last int) *runlog.Run {
	t.Helper()
	records, err := run.Records()
	if err != nil {
		t.Fatal(err)
	}
	put(t, run, "config.json", "{}")
	put(t, run, "metrics.jsonl", "")
	for _, r := range records {
		if line, err := r.MarshalJSON(); err != nil {
			t.Fatal(err)
		} else if r.Step <= last {
			put(t, run, "metrics.jsonl", get(t, run, "metrics.jsonl")+string(line)+"\n")
		}
	}
	opened, err := runlog.Open(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

func TestEvents(t *testing.T) {
	run := create(t)
	if files := eventFiles(t, run); len(files) != 0 {
		t.Errorf("event files before the first record: %v", files)
	}
	appendRecords(t, run, eval(0, 0.3), step(300, 2.5), runlog.Record{Kind: runlog.KindStep, Step: 1 << 40, Loss: math.NaN(), LR: math.Inf(1)})
	files := eventFiles(t, run)
	if len(files) != 1 {
		t.Fatalf("event files: %v", files)
	}
	var seconds, pid int
	var host string
	name := strings.ReplaceAll(filepath.Base(files[0]), ".", " ")
	if _, err := fmt.Sscanf(name, "events out tfevents %10d %s %d idml", &seconds, &host, &pid); err != nil || pid != os.Getpid() || math.Abs(float64(seconds)-float64(time.Now().Unix())) > 60 {
		if !strings.HasSuffix(files[0], fmt.Sprintf(".%d.idml", os.Getpid())) { // a host's name may have several words
			t.Errorf("the name %s: %v", files[0], err)
		}
	}
	got, err := readEvents(files[0])
	if err != nil {
		t.Fatal(err)
	}
	want := []event{
		{Version: "brain.Event:2"},
		{Start: true},
		{Scalars: map[string]float32{"eval/map@r": 0.1, "eval/recall@1": 0.3}},
		{Step: 300, Scalars: map[string]float32{"train/loss": 2.5, "train/lr": 1e-3 / 300, "train/images_per_second": 30000}},
		{Step: 1 << 40, Scalars: map[string]float32{"train/loss": float32(math.NaN()), "train/lr": float32(math.Inf(1)), "train/images_per_second": 0}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
}

// A run that is resumed goes on in another file, which takes back what the first has of steps that are taken again.
func TestEventsOfAResumedRun(t *testing.T) {
	run := create(t)
	appendRecords(t, run, eval(0, 0.3), step(2, 5), step(4, 4), step(6, 3))
	for i, last := range []int{4, 2, 0, -1} {
		run = reopen(t, run, last)
		appendRecords(t, run, step(last+3, 1))
		files := eventFiles(t, run)
		if len(files) != i+2 {
			t.Fatalf("%d event files after %d resumes", len(files), i+1)
		}
		got, err := readEvents(files[i+1])
		if err != nil || len(got) != 3 || got[0].Version == "" || !got[1].Start || got[1].Step != uint64(last+1) || got[2].Step != uint64(last+3) {
			t.Errorf("resumed after step %d, it writes %+v (%v)", last, got, err)
		}
	}
}

// A file that was removed while the program runs is begun again.
func TestEventFileRemoved(t *testing.T) {
	run := create(t)
	appendRecords(t, run, step(1, 5))
	if err := os.Remove(eventFiles(t, run)[0]); err != nil {
		t.Fatal(err)
	}
	appendRecords(t, run, step(2, 5))
	if got, err := readEvents(eventFiles(t, run)[0]); err != nil || len(got) != 3 || got[1].Step != 2 || got[2].Step != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCreateKeepsAnOldEventFile(t *testing.T) {
	dir := t.TempDir()
	const name = "events.out.tfevents.0000000001.host.1.v2"
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := runlog.Create(dir); !errors.Is(err, runlog.ErrExists) || !strings.Contains(err.Error(), name) {
		t.Errorf("Create: %v, want ErrExists that names %s", err, name)
	}
}
