// SPDX-License-Identifier: Apache-2.0

//go:build turbojpeg && cgo

package datasets

/*
#cgo pkg-config: libjpeg
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

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

// read_pixels writes the image to pixels, height rows of stride bytes. It returns 0 if it can't, with a message in d->errors.
static int read_pixels(decoder *d, unsigned char *pixels, size_t stride) {
	if (setjmp(d->errors.leave)) {
		return 0;
	}
	jpeg_start_decompress(&d->info);
	while (d->info.output_scanline < d->info.output_height) {
		JSAMPROW row = pixels + stride * d->info.output_scanline;
		jpeg_read_scanlines(&d->info, &row, 1);
	}
	jpeg_finish_decompress(&d->info);
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
	"runtime"
)

// jpegDecoder names what decodes JPEG images in this build.
const jpegDecoder = "libjpeg-turbo"

// decodeJPEG decodes a JPEG image by libjpeg-turbo, as Pillow does: the accurate integer cosine transform, interpolated chroma, no
// scaling.
func decodeJPEG(data []byte) (*RGB, error) {
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
	dst := NewRGB(width, height)
	if d.info.out_color_space != C.JCS_CMYK {
		if err := readPixels(d, dst.Pix, 3*width); err != nil {
			return nil, err
		}
		return dst, nil
	}
	inks := make([]byte, 4*width*height)
	if err := readPixels(d, inks, 4*width); err != nil {
		return nil, err
	}
	for i := range width * height {
		p, q := inks[4*i:4*i+4], dst.Pix[3*i:3*i+3]
		for c := range q {
			q[c] = withoutInk(255-p[c], 255-p[3])
		}
	}
	return dst, nil
}

// readPixels decodes the image to pix, whose rows have stride bytes.
func readPixels(d *C.decoder, pix []byte, stride int) error {
	if C.read_pixels(d, (*C.uchar)(&pix[0]), C.size_t(stride)) == 0 {
		return stopped(d)
	}
	return nil
}

// stopped returns what the decoder has stopped for.
func stopped(d *C.decoder) error {
	return fmt.Errorf("invalid JPEG format: %s", C.GoString(&d.errors.message[0]))
}
