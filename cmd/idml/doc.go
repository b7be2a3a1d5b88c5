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
//	epoch 1 of 1: R@1 …
//	…
//	28 steps in …; the run is in runs/first
//
// "idml eval" measures a run, or embeddings made elsewhere, and "idml report" writes its report:
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
// # Errors
//
// An error is one line on the standard error, "idml: …", and exit status 1; with -v it is followed by the place where it
// arose. A command or an option that doesn't exist exits with status 2, a program that was interrupted with 130.
//
//	$ idml trian
//	idml: unknown command "trian": "idml help" lists the commands
//	exit status 2
package main
