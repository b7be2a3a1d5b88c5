// SPDX-License-Identifier: Apache-2.0

//go:build turbojpeg && cgo

package datasets

/*
#cgo pkg-config: libjpeg
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#ifndef LIBJPEG_TURBO_VERSION
#error "the tag turbojpeg wants libjpeg-turbo's jpeglib.h: on Debian the package libjpeg62-turbo-dev"
#endif

typedef struct {
	struct jpeg_error_mgr base; // first, so that its address is the whole one's
	jmp_buf leave;
	char message[JMSG_LENGTH_MAX];
} error_manager;

typedef struct {
	struct jpeg_decompress_struct info;
	error_manager errors;
} decoder;

// leave_with_error returns to the setjmp of the function that Go has called.
static void leave_with_error(j_common_ptr info) {
	error_manager *e = (error_manager *)info->err;
	e->base.format_message(info, e->message);
	longjmp(e->leave, 1);
}

// check_warning makes errors of warnings that data is missing or damaged. Those of oddities that change no pixel it drops.
static void check_warning(j_common_ptr info, int level) {
	if (level >= 0) {
		return;
	}
	switch (info->err->msg_code) {
	case JWRN_JPEG_EOF:
	case JWRN_HIT_MARKER:
	case JWRN_HUFF_BAD_CODE:
	case JWRN_MUST_RESYNC:
	case JWRN_ARITH_BAD_CODE:
		leave_with_error(info);
	}
}

static void output_nothing(j_common_ptr info) {}

// read_header begins to decode a JPEG image, which must stay where it is. d is all zeros. It returns 0 if it can't, with a message
// in d->errors.
static int read_header(decoder *d, const unsigned char *data, unsigned long size) {
	d->info.err = jpeg_std_error(&d->errors.base);
	d->errors.base.error_exit = leave_with_error;
	d->errors.base.emit_message = check_warning;
	d->errors.base.output_message = output_nothing;
	if (setjmp(d->errors.leave)) {
		return 0;
	}
	jpeg_create_decompress(&d->info);
	jpeg_mem_src(&d->info, (unsigned char *)data, size);
	jpeg_read_header(&d->info, TRUE);
	d->info.out_color_space = d->info.num_components == 4 ? JCS_CMYK : JCS_RGB;
	d->info.dct_method = JDCT_ISLOW;
	d->info.do_fancy_upsampling = TRUE;
	return 1;
}

// A box is a part of an image, in pixels.
typedef struct {
	JDIMENSION left, top, width, height;
} box;

// can_skip tells whether pixels around a box can be left out without a change to those in it: in files of one scan, which have no
// smoothing over blocks, by the cosine transform and with Huffman codes. Releases before 2.1 skip wrongly in some cases; the program is taken to run with the one that it was built for.
static int can_skip(struct jpeg_decompress_struct *info) {
	return LIBJPEG_TURBO_VERSION_NUMBER >= 2001000 && !jpeg_has_multiple_scans(info) && !info->arith_code && info->Ss == 0 && info->Se == DCTSIZE2 - 1;
}

// read_pixels writes the pixels in the box to pixels, row by row. Where it can be skipped, what is around it is not transformed, but its codes are read, so that
// faults are found wherever they are. It returns 0 if it can't, with a message in d->errors.
static int read_pixels(decoder *d, box b, unsigned char *pixels) {
	struct jpeg_decompress_struct *info = &d->info;
	if (setjmp(d->errors.leave)) {
		return 0;
	}
	jpeg_start_decompress(info);
	JDIMENSION height = info->output_height, left = 0, width = info->output_width;
	size_t pixel = info->output_components, stride = pixel * b.width;
	int skips = can_skip(info);
	if (skips && b.width < width) {
		JDIMENSION beside = info->max_h_samp_factor; // interpolation takes the chroma sample beside that of a pixel
		left = b.left > beside ? b.left - beside : 0;
		width = b.left + b.width + beside < width ? b.left + b.width + beside - left : width - left;
		jpeg_crop_scanline(info, &left, &width); // moves left to where a block begins
	}
	// The row is read soon: at an odd address, so that it isn't written past the cache, as libjpeg-turbo does where vectors are aligned.
	JSAMPROW row = (JSAMPROW)info->mem->alloc_large((j_common_ptr)info, JPOOL_IMAGE, pixel * width + 1) + 1;
	if (skips && b.top > 0) {
		jpeg_skip_scanlines(info, b.top);
	}
	while (info->output_scanline < b.top) {
		jpeg_read_scanlines(info, &row, 1);
	}
	for (JDIMENSION y = 0; y < b.height; y++, pixels += stride) {
		JSAMPROW to = width == b.width ? pixels : row;
		jpeg_read_scanlines(info, &to, 1);
		if (to == row) {
			memcpy(pixels, row + pixel * (b.left - left), stride);
		}
	}
	if (skips && info->output_scanline + 1 < height) {
		jpeg_skip_scanlines(info, height - 1 - info->output_scanline); // beyond the last row it would skip the codes unread
	}
	while (info->output_scanline < height) {
		jpeg_read_scanlines(info, &row, 1);
	}
	jpeg_finish_decompress(info);
	return 1;
}

static void close_decoder(decoder *d) {
	jpeg_destroy_decompress(&d->info);
	free(d);
}
*/
import "C"

import (
	"fmt"
	"image"
	"runtime"
)

// JPEGDecoder is what decodes JPEG images in this build.
const JPEGDecoder = LibjpegTurbo

// decodeJPEG decodes the wanted part of a JPEG image by libjpeg-turbo, as Pillow does: the accurate integer cosine transform,
// interpolated chroma, no scaling.
func decodeJPEG(data []byte, wanted region) (*RGB, error) {
	d := (*C.decoder)(C.malloc(C.sizeof_decoder))
	*d = C.decoder{}
	defer C.close_decoder(d)
	var pinned runtime.Pinner
	pinned.Pin(&data[0])
	defer pinned.Unpin()
	if C.read_header(d, (*C.uchar)(&data[0]), C.ulong(len(data))) == 0 {
		return nil, stopped(d)
	}
	width, height := int(d.info.image_width), int(d.info.image_height)
	if err := checkPixels(width, height); err != nil {
		return nil, err
	}
	box := wanted.in(width, height)
	dst := wanted.newRGB(box)
	if d.info.out_color_space != C.JCS_CMYK {
		if err := readPixels(d, box, dst.Pix); err != nil {
			return nil, err
		}
		return dst, nil
	}
	inks := make([]byte, 4*dst.Width*dst.Height)
	if err := readPixels(d, box, inks); err != nil {
		return nil, err
	}
	for i := range dst.Width * dst.Height {
		p, q := inks[4*i:4*i+4], dst.Pix[3*i:3*i+3]
		for c := range q {
			q[c] = withoutInk(255-p[c], 255-p[3])
		}
	}
	return dst, nil
}

// readPixels decodes the part of the image in the box to pix.
func readPixels(d *C.decoder, box image.Rectangle, pix []byte) error {
	b := C.box{C.JDIMENSION(box.Min.X), C.JDIMENSION(box.Min.Y), C.JDIMENSION(box.Dx()), C.JDIMENSION(box.Dy())}
	if C.read_pixels(d, b, (*C.uchar)(&pix[0])) == 0 {
		return stopped(d)
	}
	return nil
}

// stopped returns what the decoder has stopped for.
func stopped(d *C.decoder) error {
	return fmt.Errorf("invalid JPEG format: %s", C.GoString(&d.errors.message[0]))
}
