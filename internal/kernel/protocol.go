// SPDX-License-Identifier: Apache-2.0

package kernel

// The kernel and its worker talk in lines of JSON: requests go to the worker's standard input, frames come back through a pipe of its own,
// [framesFile]. So nothing that a library writes on the standard output or error is taken for a result.

// A request asks a worker to run a command, or to stop one.
type request struct {
	ID   int      `json:"id"` // of the command, ascending
	Args []string `json:"args,omitempty"`
	Dir  string   `json:"dir,omitempty"` // where it runs
	Stop bool     `json:"stop,omitempty"`
}

// A frame is a piece of what a command says. Exactly one of its parts is set.
type frame struct {
	ID      int     `json:"id"`
	Stdout  string  `json:"stdout,omitempty"`
	Stderr  string  `json:"stderr,omitempty"`
	Display *Output `json:"display,omitempty"`
	End     *ending `json:"end,omitempty"`
}

// An Output is data of several MIME types, as "text/plain" and "text/html", in place of an earlier output of the same command and name, if it has a name.
type Output struct {
	Name     string            `json:"name,omitempty"`
	Data     map[string]string `json:"data"`
	Metadata map[string]any    `json:"metadata,omitempty"` // by MIME type: of a picture its size on the page, in px, "width" and "height"
}

// An ending is the last frame of a command.
type ending struct {
	Outcome
	Last bool `json:"last,omitempty"` // the worker ends with the command
}

// An Outcome is how a command ended.
type Outcome struct {
	Status int    `json:"status"` // 0 is success
	Error  string `json:"error"`  // why it failed, on one line
	Stack  string `json:"stack"`  // where the error arose, if that was asked for
}

// framesFile is the number of the file through which a worker sends frames.
const framesFile = 3
