// SPDX-License-Identifier: Apache-2.0

// Package runlog keeps one training run in one folder, so that a report, a
// notebook or another program can read later what was run and what came out.
//
// There are few types. A [Run] is an open folder. [Environment], [Record],
// [Results], [Prediction] and [Uncertainty] are what is kept in it, each with one method that
// writes and one that reads. [Create] starts a new folder and never writes over
// an old one; [Open] opens one for reading, or to go on with it.
//
// # Files
//
//	config.json        settings of the run: one JSON object, as the caller's type spells it
//	environment.json   one Environment: program, machine, backend
//	metrics.jsonl      one Record a line, in the order of training
//	results.json       one Results: what came out: the baselines before the first step, the rest when training ends or is stopped
//	predictions.jsonl  one Prediction a line: queries of the final evaluation and their nearest images
//	uncertainty.json   one Uncertainty: what the uncertainty of the test images is worth, once that was measured
//	thumbnails/        NNNNN.png: small pictures of test images; NNNNN is Prediction.Index with at least five digits
//	model.safetensors  the newest checkpoint; the caller fills it through WriteModel
//	model-previous.safetensors, best.safetensors  the checkpoint before; that of the best epoch
//	model-next.safetensors, model-damaged.safetensors  one that is about to become the newest; one that was found damaged
//	report.html        the report, made from the others
//	log.txt            what the program said, as plain text
//	events.out.tfevents.*.idml  the records once more, for TensorBoard: a file for each program that trained the run
//
// All text is UTF-8. Every file but metrics.jsonl, log.txt and the event files is written to a
// temporary file in the same folder, flushed to the disk and renamed, so that
// a reader finds the old file or the new one, never half of one. (Thumbnails are
// renamed, too, but not flushed one by one: there are many, and they can be made again.)
//
// metrics.jsonl grows by one line a call. If the machine stops in the middle of
// a line, that last line is torn: reading leaves it out and notes so in
// [Run.Warnings], and the next append removes it. A broken line elsewhere is a [FormatError].
//
// # Event files
//
// "tensorboard --logdir FOLDER" shows a run, or all runs below a folder. An event file bears TensorFlow's name,
// events.out.tfevents.SECONDS.HOST.PROCESS.idml, and is a TFRecord file, all numbers little-endian:
//
//	8 bytes   length n of the event
//	4 bytes   checksum of these 8 bytes
//	n bytes   the event: a protocol buffer of the message tensorflow.Event
//	4 bytes   checksum of the event
//
// A checksum is the CRC-32C c of the bytes, masked: ((c >> 15) | (c << 17)) + 0xa282ead8. The events are, each with its wall time:
//
//	first     file_version "brain.Event:2"
//	second    session_log START, whose step is the first that metrics.jsonl lacks
//	others    one a record, with its step and simple values (float32): train/loss, train/lr and train/images_per_second of a "step",
//	          eval/NAME of each metric of an "eval"
//
// A run that is resumed gets another file, whose name sorts after the older ones'. Its START makes TensorBoard forget what those have from that
// step on: the steps after the checkpoint, which are taken again. An event that was torn by a kill ends its file for TensorBoard, and
// what follows is in the next one.
//
// # Fields
//
// environment.json:
//
//	go         version of Go that built the program, as "go1.26.5"
//	os, arch   as GOOS and GOARCH spell them
//	backend    configuration of the backend, as "xla"
//	device     description of the device, as the backend gives it
//	revision   commit of the program's source, with "+dirty" if it was changed; empty if unknown
//	cpus       logical CPUs that the program could use
//	devices    devices that shared each batch when the run began, which may have been resumed on others: log.txt tells; 0 in runs of earlier versions
//	jpeg       what decoded JPEG images when the run began, "image/jpeg" or "libjpeg-turbo", whose pixels differ by few levels; missing in runs of earlier versions
//	modules    versions of the modules built in, by path
//
// metrics.jsonl:
//
//	kind               "step": the training steps since the record before; "eval": one evaluation on the images that epochs are judged by
//	epoch              from 1; an evaluation before training has 0
//	step               optimizer steps done so far, over all epochs
//	loss               mean training loss of these steps; in an "eval" record not used
//	lr                 learning rate of the base group in the last of them
//	images_per_second  speed of training, the wait for images included
//	seconds            wall time since the run began
//	metrics            fractions by name, as "recall@1": 0.61; left out if there are none
//
// results.json:
//
//	status            "finished", or "stopped" if training ended before its last epoch
//	epochs, steps     how many were done
//	seconds           wall time of the run
//	rows              list of {name, epoch, metrics}: "raw pixels", "untrained network", "last epoch", "best epoch", of a classifier
//	                  also "mean of the last epochs", with the number of evaluations as metric "epochs" and the last one's epoch
//	corrupted         list like rows, of a classifier: its last weights on test images to which something was done, such as "noise 1",
//	                  with strengths from 1; left out if there are none
//	best_chosen_on    "test classes" or "held-out training classes"; of a classifier "test images" or "held-out training images"
//	published         metrics that a paper reports for this recipe; left out if there are none
//	published_source  where they stand, as "arXiv:2309.09982, table 1"
//
// predictions.jsonl:
//
//	index        position in the test set, from 0; names the thumbnail
//	name         the image's file or other name
//	class        name of its class
//	label        number of its class, from 0
//	uncertainty  norm of its uncertainty embedding, without unit
//	correct      whether the nearest image is of the same class; of a classifier, whether the first class is right
//	nearest      list of {index, correct, alpha, beta, similarity}, nearest first:
//	             α the semantic distance, β the uncertainty of the pair, and the introspective similarity; of a classifier null
//	top          of a classifier, list of {class, label, probability, correct}: the up to five classes with the largest logits, the largest
//	             first, with their softmax probabilities; left out if there are none, as where logits are not numbers
//	ambiguity    ground truth where it is known: "", "blend", "occlusion", "blur"
//	amount       how much of it, from 0 to 1
//
// uncertainty.json, in which an estimate is {value, low, high}, the ends of its 95 % interval, null where there is none:
//
//	checkpoint      {epoch, step, sha256} of the checkpoint that was measured: if the newest is another one, this file is out of date
//	seed            the run's
//	images, classes  numbers of test images and of their classes
//	unseen          name of the images of another domain
//	right, wrong    share of test images that are right, and what the others are: "wrong R@1" or "wrong top-1"
//	over            what the intervals are over: "classes" or "images"
//	resamples, bootstrap_seed  how they were drawn
//	scores          list of {name, title}: numbers by which images are called uncertain; "norm" is ‖u‖
//	measures        list of {quantity, of, chance, values}: values holds an estimate for each name of a score
//	reject          for each name of a score {error, area, perfect, gain, curve}: see package uncertainty
//	clean           ‖u‖ of the test images, ascending; of more than 500 images, 500 at equal distances from the least to the largest
//	corrupted       list of {kind, strength, values}: values like clean, of corrupted test images
//	mixing          {lambdas, pairs}: ‖u‖ of mixes λ·first + (1−λ)·second of two test images of different classes; a pair is
//	                {first, second, uncertainty}, two indices and a norm for each of the lambdas; left out if there is one class only
//	projection      {explained, perplexity, divergence, points} of at most 2,000 test images at equal distances: shares of the variance along two
//	                principal components, settings and rest of t-SNE; a point is {index, label, class, uncertainty, pca, tsne}
//
// Metrics are fractions (0.61, not 61 %), but for "loss", in nats, and the counts "queries" and "classes". A run is judged by one of
// them, which [Judge] names: "recall@1", of a classifier "top@1". JSON has no word for a number that
// is not finite: such values are written as the strings "NaN", "Infinity" and
// "-Infinity", which float() of Python and Number() of JavaScript understand.
// They are read back as what they were; null is read as NaN.
package runlog
