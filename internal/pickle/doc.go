// SPDX-License-Identifier: Apache-2.0

// Package pickle reads Python's pickles without executing anything.
//
// A pickle is a program for a small stack machine. [Load] runs the opcodes that build plain values: None, booleans, numbers,
// texts, bytes, tuples, lists and dictionaries. Two kinds of opcodes reach beyond these, and here they only ask the caller, by a
// [Meaning]: those that name a global of a Python module (whose call is how a pickle executes code), and those that name an
// object outside of the pickle. What the Meaning doesn't know is an error, so a file from a stranger can do no more than its
// reader foresaw. An object that a Meaning's function made gets its state if it is a [Builder].
//
//	value in Python          value here
//	None, bool               nil, bool
//	int                      int64, or *big.Int beyond it
//	float                    float64
//	str, and Python 2's str  string
//	bytes                    []byte
//	tuple                    Tuple
//	list, dict               *List, *Dict
//
// Protocols 2 to 4 are read, as far as binary opcodes go; sets, instances and the text opcodes of protocol 0 are refused.
//
// Time and memory are bounded by the length of the pickle. The values are a graph, not a tree: a list may hold itself, and what
// looks like a tree of n leaves may be far smaller than n. Whoever walks through them must bound that walk.
package pickle
