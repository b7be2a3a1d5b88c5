// SPDX-License-Identifier: Apache-2.0

// Package datasets brings labeled images from where they are to batches for a model. It knows nothing of models.
//
// There are only a few types. An [RGB] is an image, always as bytes [height, width, 3]: normalization happens on the device. A
// [Dataset] is a list of [Example] values and a way to load the image of each. A [Split] is the two halves of a task. A
// [Transform] makes an image of an image, an [Order] says which images come when, and a [Loader] joins them all into the
// batches of an epoch, as GoMLX's train.Dataset.
//
// # Where images come from
//
//   - [Glyphs]: letters of six alphabets, drawn when asked for; 84 classes to train and 84 unseen ones to retrieve; a share of
//     the images is made ambiguous by a known amount. The default task: it needs no files and no network.
//   - [Fashion]: an embedded part of Fashion-MNIST, photographs of products; [FashionFolder] reads the full set.
//   - [CUB], [Cars], [SOP]: the paper's datasets CUB-200-2011, Cars196 and Stanford Online Products, in the layout in which they
//     are distributed and split as the literature splits them.
//   - [CIFAR10], [CIFAR100], [ImageNet]: those that are classified, with the same classes in both halves. [CheckPublished] compares the
//     numbers of these and of the three before with the published ones; [Verify] looks at every file.
//   - [Folder]: any folder of class folders of JPEG and PNG images.
//   - [New]: anything else that can load an image by its number.
//
// # The path of an image
//
//  1. Dataset.Image loads it: [Decode] makes red, green and blue bytes of any color model as Pillow does. JPEG images are decoded
//     by the standard library; built with cgo and -tags turbojpeg, as by make setup where it can, by libjpeg-turbo, which Pillow uses too: some five times as
//     fast, and equal to Pillow's where the standard library's differ by few levels. It wants libjpeg-turbo's headers and
//     pkg-config's libjpeg.
//  2. A Transform brings it to the size of the batch. For a test: Compose{Resize{256}, CenterCrop{224}}. To train:
//     Compose{DefaultRandomResizedCrop(224), HorizontalFlip{0.5}}. A Loader whose transform begins with such a crop draws its
//     place when a file's header is read, and decodes no more than it must; the result is the same. Resampling is equal to Pillow's
//     antialiased bilinear bit for bit, rounding and distributions are torchvision's. Images smaller than a crop get black margins.
//     [Corrupt] makes test images worse.
//  3. Loader.Epoch puts it into a batch: uint8 [batch, height, width, 3] and labels int32 [batch]. Loader.OnBadImage says what
//     becomes of a file that can't be decoded ([SkipBadImage] tells the rule), and Loader.BadImages which ones there were. Only the
//     batches in flight are in memory.
//
// # Chance
//
// All chance is a pure function of seeds and numbers: an image of Glyphs of its seed, class and number; a transform of the
// loader's seed, the epoch and the image's place in it. So the number of workers changes nothing, and a run that resumes at a
// batch sees what the first run saw. Floating-point rounding may differ between processor architectures; within one it does
// not.
//
// Datasets and transforms may be used by many goroutines at once. Panics that begin with "datasets:" are a caller's mistakes;
// what data can cause is an error that names the image or file.
package datasets
