// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"path"
	"regexp"
	"strings"

	"introspection/internal/fetch"
)

const (
	pypi = "https://pypi.org/simple"

	// simpleJSON is the media type of the index API's JSON form (PEP 691); older mirrors have only the HTML form (PEP 503).
	simpleJSON = "application/vnd.pypi.simple.v1+json"

	// maxListing bounds the size of an index page: the largest on PyPI have a few megabytes.
	maxListing = 64 << 20
)

// newIndexes returns the URLs of the package indexes to ask, in order, as pip and uv take them from the environment.
func newIndexes(getenv func(string) string) []string {
	first := pypi
	for _, name := range []string{"PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"} {
		if v := getenv(name); v != "" {
			first = v
			break
		}
	}
	return append([]string{first}, strings.Fields(getenv("PIP_EXTRA_INDEX_URL"))...)
}

// locate returns the URL of a wheel's file: the one of the first index that has it.
func (j *job) locate(ctx context.Context, w wheel) (*url.URL, error) {
	var failures []error
	for _, index := range j.source {
		found, err := j.locateIn(ctx, index, w)
		if err == nil {
			return found, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// locateIn asks one index for a wheel's URL.
func (j *job) locateIn(ctx context.Context, index string, w wheel) (*url.URL, error) {
	header := map[string]string{"Accept": simpleJSON + ", text/html;q=0.1"}
	response, err := fetch.Get(ctx, j.client, strings.TrimSuffix(index, "/")+"/"+w.pkg+"/", header)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, maxListing))
	if err != nil {
		return nil, fmt.Errorf("reading the index page of %s: %w", w.pkg, err)
	}
	parse := linksHTML
	if strings.HasPrefix(response.Header.Get("Content-Type"), simpleJSON) {
		parse = linksJSON
	}
	links, err := parse(page)
	if err != nil {
		return nil, fmt.Errorf("the index page of %s: %w", w.pkg, err)
	}
	base := response.Request.URL // after redirects
	for _, link := range links {
		target, err := base.Parse(link.url)
		if err != nil || path.Base(target.Path) != w.file {
			continue
		}
		if link.sha256 != "" && link.sha256 != w.sha256 {
			return nil, fmt.Errorf("%s: the index %s offers it with SHA-256 %s, want %s", w.file, base.Redacted(), link.sha256, w.sha256)
		}
		return target, nil
	}
	return nil, fmt.Errorf("the index %s has no %s", base.Redacted(), w.file)
}

// A link is a file that an index page offers; sha256 is empty if the page doesn't tell it.
type link struct{ url, sha256 string }

// linksJSON returns the links of an index page in JSON.
func linksJSON(page []byte) ([]link, error) {
	var listing struct {
		Files []struct {
			URL    string            `json:"url"`
			Hashes map[string]string `json:"hashes"`
		} `json:"files"`
	}
	if err := json.Unmarshal(page, &listing); err != nil {
		return nil, err
	}
	links := make([]link, len(listing.Files))
	for i, f := range listing.Files {
		links[i] = link{url: f.URL, sha256: f.Hashes["sha256"]}
	}
	return links, nil
}

var anchor = regexp.MustCompile(`(?i)<a\s[^>]*?href\s*=\s*["']([^"']+)["']`)

// linksHTML returns the links of an index page in HTML, where a hash is the URL's fragment.
func linksHTML(page []byte) ([]link, error) {
	if !bytes.Contains(page, []byte("<")) {
		return nil, errors.New("it is neither JSON nor HTML")
	}
	var links []link
	for _, match := range anchor.FindAllSubmatch(page, -1) {
		address, fragment, _ := strings.Cut(html.UnescapeString(string(match[1])), "#")
		hash, ok := strings.CutPrefix(fragment, "sha256=")
		if !ok {
			hash = ""
		}
		links = append(links, link{url: address, sha256: hash})
	}
	return links, nil
}
