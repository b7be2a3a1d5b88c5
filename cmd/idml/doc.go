// SPDX-License-Identifier: Apache-2.0

// Idml trains, evaluates and shows embeddings of images that know how ambiguous an image is: introspective deep metric
// learning on XLA.
//
// Usage:
//
//	idml [-v] COMMAND [OPTIONS]
//
// The commands are listed by "idml help"; "idml help COMMAND" (or "idml COMMAND --help") tells the options of one.
//
//	$ idml help version
//	idml version: print the versions of the program and of what it computes with
//
//	Usage: idml version
//
// # Setting up
//
// Computing needs XLA's PJRT plugin, a shared library of 200 MB. "idml setup" looks for it and downloads it, once, if it is
// missing: a pinned file whose SHA-256 is checked. On a machine without a network, bring the file with you:
//
//	$ idml setup --from not-there.whl
//	idml: backend: installing the cpu plugin: stat not-there.whl: no such file or directory
//	exit status 1
//
// # Training and measuring
//
// "idml train" makes a run folder: settings, metrics, the model, predictions of the test images, results. It takes a recipe or a
// folder of one's own images, and --set changes any setting. This one is too small and too short to be of use:
//
//	$ idml train --recipe glyphs --set epochs=1 --set model.backbone.width=4 --set data.batch_size=120 --out runs/first
//	baselines: reading the pixels of 1680 test images
//	baselines: the untrained network
//	epoch 1 of 1: R@1 …
//	measuring the last epoch on 1680 test images
//	…
//	28 steps in …; the run is in runs/first
//
// "idml eval" measures a run, a checkpoint in one, or embeddings made elsewhere, and "idml report" writes its report:
//
//	$ idml eval --json runs/first
//	{"recall@1":…,"recall@2":…,"recall@4":…,"recall@8":…,"r_precision":…,"map@r":…,"nmi":…,"ami":…,"f1":…,"queries":1680,"lone_queries":0,"classes":84}
//	$ idml report runs/first
//	runs/first/report.html
//
// A run folder is never written over:
//
//	$ idml train --recipe glyphs --out runs/first
//	idml: runlog: folder holds a run already: runs/first has a config.json; choose another --out or remove the folder
//	exit status 1
//
// The numbers of a run, or of all runs below a folder, are shown by TensorBoard: tensorboard --logdir runs. What the program said is in the
// run's log.txt, with the time.
//
// # Choosing a loss
//
// "idml losses" lists the seven losses of the paper's table of results, with what they compare images with and their settings:
//
//	$ idml losses
//	triplet           images   margin=0.1
//	                           FaceNet, arXiv:1503.03832
//	…
//	Forms of the metric: plain, constant, paper; with proxies: plain, constant, released, released-raw, paper.
//
// "idml train" takes one by --loss, and the form by --metric. The released forms exist with proxies only:
//
//	$ idml train --recipe glyphs --loss triplet --metric released --out runs/triplet
//	idml: config: metric.form is "released", which exists only for losses with proxies, and loss.name is "triplet", …
//	exit status 1
//
// # Many runs
//
// "idml sweep" trains every combination of the values that are named, some at a time, on one machine or on many; docs/sweep.md tells more. What can't be is left out:
//
//	$ idml sweep --recipe glyphs --loss triplet,proxy-anchor --metric plain,released --out runs/losses --dry-run
//	triplet/plain          waiting
//	proxy-anchor/plain     waiting
//	proxy-anchor/released  waiting
//	triplet/released       left out
//	left out, 1: metric.form is "released", which exists only for losses with proxies, …
//
// "idml compare" groups runs that differ in their seed alone, and compares settings pair by pair; the folder of a sweep stands for its runs:
//
//	$ idml compare --csv first.csv --report first.html runs/first
//	                               seeds  R@1    95 % over seeds  R@2 …
//	raw pixels                     1      0.…
//	untrained network              1      0.…
//	proxy-anchor released + mixup  1      0.…
//
// # What the uncertainty is worth
//
// "idml uncertainty" measures whether the uncertainty of a run's test images is larger where an answer is wrong, where an image was made worse or ambiguous, and where
// it is of another domain; beside it stand numbers that need no uncertainty head. 0.5 is chance in each AUROC:
//
//	$ idml uncertainty --bootstrap 40 --csv uncertainty.csv runs/first
//	glyphs, proxy-anchor released + mixup, 1 seed: 1680 images of 84 classes, 0.… right; the other domain: …
//	                    … chance  ‖u‖ … mean β … −‖features‖ … proxy distance
//	AUROC, wrong R@1    … 0.500   0.… [0.…, 0.…] …
//	…
//	AUROC, mixed half and half … 0.500 …
//
// It is kept in the run folder, as uncertainty.json, and the report shows it. Of several runs, "idml report" makes one report; --figures saves the figures by themselves:
//
//	$ idml report --out report.html --figures figures runs/first
//	report.html
//
// # Looking through a dataset
//
// "idml verify" counts a dataset's images and classes, decodes each image, and lists what is missing, extra or unreadable. What is not there
// at all is named, with the place where it is obtained:
//
//	$ idml verify cub --data photos
//	idml: datasets: reading CUB-200-2011: there is no folder CUB_200_2011, and nothing called images either: …
//	exit status 1
//
// # Embedding and searching
//
// "idml embed" writes the embeddings of a run's images, or of all images below a folder, into a safetensors file that Python reads as well:
//
//	$ idml embed --run runs/first --data photos --out photos.safetensors
//	6 images, 2 classes, 64 dimensions: photos.safetensors
//
// "idml search" lists the images that are nearest to another one, by the same model: α is the distance of the semantic embeddings, β
// the uncertainty of the pair, ‖u‖ that of an image. An image finds itself first:
//
//	$ idml search --index photos.safetensors --run runs/first --k 3 photos/class1/2.png
//	photos/class1/2.png: ‖u‖ …, released metric
//	rank  similarity  α  …  class   image
//	1     1.0000      0.000…  class1  class1/2.png
//	2     …
//	3     …
//
// # Weights from elsewhere, and for others
//
// "idml weights" puts torchvision's ImageNet weights into a cache, from where model.weights "imagenet" takes them:
//
//	$ idml weights --list
//	resnet18 …
//	…
//
// "idml export" writes a run's network in torchvision's names for PyTorch, which loads it in three lines; docs/weights.md has them:
//
//	$ idml export runs/first --out first.safetensors
//	… arrays, … numbers: first.safetensors
//
// # Errors
//
// An error is one line on the standard error, "idml: …", and exit status 1; with -v it is followed by the place where it
// arose. A command or an option that doesn't exist exits with status 2, a program that was interrupted with 130.
//
//	$ idml trian
//	idml: unknown command "trian": "idml help" lists the commands
//	exit status 2
package main
