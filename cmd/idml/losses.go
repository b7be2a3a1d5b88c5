// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"introspection/idml"
)

func lossesCommand() command {
	return command{
		name:    "losses",
		summary: "list the losses with their papers and settings",
		help: `
Losses lists what "idml train --loss" takes: the name; whether the loss compares images with
each other or with proxies of the classes; its settings, which --set loss.NAME=VALUE changes;
and the paper. The settings are those of the introspective paper's table of results.`,
		run: runLosses,
	}
}

func runLosses(_ context.Context, env *environment, args []string) error {
	set := env.flags("losses")
	if err := env.parse(set, args, 0); err != nil {
		return err
	}
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	ofPairs, ofProxies := "", ""
	for _, l := range idml.Losses() {
		with, forms := "images", &ofPairs
		if l.Proxies {
			with, forms = "proxies", &ofProxies
		}
		*forms = formsText(l.Forms)
		fmt.Fprintf(w, "%s\t%s\t%s\n\t\t%s\n", l.Name, with, settingsText(l.Settings), l.Paper)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "Forms of the metric: %s; with proxies: %s.\n", ofPairs, ofProxies)
	return nil
}

// settingsText returns "margin=0.2 boundary=1.2".
func settingsText(settings []idml.Setting) string {
	var parts []string
	for _, s := range settings {
		parts = append(parts, fmt.Sprintf("%s=%g", s.Name, s.Value))
	}
	return strings.Join(parts, " ")
}

// formsText returns "plain, constant, paper".
func formsText(forms []idml.Form) string {
	var parts []string
	for _, f := range forms {
		parts = append(parts, string(f))
	}
	return strings.Join(parts, ", ")
}
