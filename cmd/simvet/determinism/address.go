package determinism

import (
	"go/ast"
	"go/constant"
	"go/types"
	"regexp"
)

// pointerVerb matches %p with its flags, and not %%p.
var pointerVerb = regexp.MustCompile(`(?:^|[^%])(?:%%)*%[-+# 0]*[0-9*]*p`)

// checkFormat looks for %p in the constant strings given to functions whose
// last parameter is variadic, as those of package fmt and their relatives.
func (c *checker) checkFormat(n *ast.CallExpr) {
	signature, ok := typeOf(c.pass.TypesInfo, n.Fun).(*types.Signature)
	if !ok || !signature.Variadic() {
		return
	}
	for _, argument := range n.Args {
		value := c.pass.TypesInfo.Types[argument].Value
		if value == nil || value.Kind() != constant.String {
			continue
		}
		if pointerVerb.MatchString(constant.StringVal(value)) {
			c.found("address", argument.Pos(), "%p prints an address, which differs between runs: print an id or a name")
		}
	}
}

// checkConversion looks for uintptr(unsafe.Pointer(p)).
func (c *checker) checkConversion(n *ast.CallExpr) {
	if !c.pass.TypesInfo.Types[n.Fun].IsType() || len(n.Args) != 1 {
		return
	}
	to, ok := typeOf(c.pass.TypesInfo, n.Fun).(*types.Basic)
	if !ok || to.Kind() != types.Uintptr {
		return
	}
	from, ok := typeOf(c.pass.TypesInfo, n.Args[0]).(*types.Basic)
	if ok && from.Kind() == types.UnsafePointer {
		c.found("address", n.Pos(), "a pointer as a number differs between runs: use an id of your own")
	}
}
