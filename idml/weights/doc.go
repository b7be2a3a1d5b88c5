// SPDX-License-Identifier: Apache-2.0

// Package weights reads and writes named arrays in files: the weights of a network, embeddings, labels.
//
// A [File] is a list of [Tensor] values and a small map of texts. [ReadSafetensors] and [WriteSafetensors] exchange
// it with the safetensors format (https://huggingface.co/docs/safetensors), which every ML framework reads:
//
//	8 bytes            n, the length of the header, little-endian
//	n bytes            JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}, padded by spaces
//	the rest           the data of the tensors, little-endian, one after the other without gaps
//
// The reader is strict: what it accepts has exactly one meaning, and what it refuses it names ([FormatError]). It needs
// memory in proportion to what the file really holds, whatever sizes the header claims, so it may be given files from
// strangers. The package knows nothing of networks: it is plain Go without GoMLX.
package weights
