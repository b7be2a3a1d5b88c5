// SPDX-License-Identifier: Apache-2.0

// Package weights reads and writes named arrays in files: the weights of a network, embeddings, labels. It also knows where published
// weights are, and keeps fetched ones in a cache.
//
// A [File] is a list of [Tensor] values and a small map of texts. [Open] reads one in any format, which it tells by the content.
// [ReadSafetensors] and [WriteSafetensors] exchange it with the safetensors format (https://huggingface.co/docs/safetensors), which
// every ML framework reads:
//
//	8 bytes            n, the length of the header, little-endian
//	n bytes            JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}, padded by spaces
//	the rest           the data of the tensors, little-endian, one after the other without gaps
//
// [ReadTorch] reads the two formats of PyTorch's torch.save, a zip archive or several pickles with the data behind them, without
// executing anything.
//
// [Releases] are torchvision's ImageNet weights, an [Order] puts such a file into the cache by a download or a copy, and [Locate]
// finds it there. Only Order.Fetch uses the network.
//
// The readers are strict: what they accept has exactly one meaning, and what they refuse they name ([FormatError]). They need
// memory in proportion to what the file really holds, whatever sizes it claims, so they may be given files from strangers. The
// package knows nothing of networks: it is plain Go without GoMLX.
package weights
