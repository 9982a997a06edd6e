package runtimetest

import (
	"context"

	"github.com/tidemarkdb/tidemark/runtime"
)

const noChoice = "Go has no recorded choices"

var choiceCases = []Case{
	{
		Name:     "choice/any-of-three",
		Allowed:  []string{"0", "1", "2"},
		NoNative: noChoice,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			return show(rt.Choose("test", "site", 3))
		},
	},
	{
		Name:     "choice/one-of-one",
		Allowed:  []string{"0"},
		NoNative: noChoice,
		Body: func(_ context.Context, rt *runtime.Runtime) string {
			return show(rt.Choose("test", "site", 1))
		},
	},
	{
		Name:     "choice/buggify",
		Allowed:  []string{"true", "false"},
		NoNative: noChoice,
		Body:     func(_ context.Context, rt *runtime.Runtime) string { return show(rt.Buggify("site")) },
	},
}
