package part

import (
	"github.com/parquet-go/parquet-go"

	"github.com/tidemarkdb/tidemark/persist/relation"
)

// layout says which columns a Parquet file has: those of the relation, in order, and
// then those of time and diff.
type layout struct {
	relation relation.Schema
	root     orderedGroup
}

// orderedGroup is a group whose fields have an order of their own: a Group alone
// would sort them by name.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

// Fields returns the fields in order.
func (g orderedGroup) Fields() []parquet.Field { return g.fields }

func newLayout(schema relation.Schema) layout {
	group := make(parquet.Group, schema.Len()+2)
	places := make(map[string]int, schema.Len()+2)
	add := func(name string, node parquet.Node) {
		places[name] = len(group)
		group[name] = node
	}
	for _, column := range schema.Columns() {
		add(column.Name, leafOf(column))
	}
	add(unusedName("ts", group), parquet.Required(parquet.Uint(64)))
	add(unusedName("diff", group), parquet.Required(parquet.Leaf(parquet.Int64Type)))

	fields := make([]parquet.Field, len(group))
	for _, field := range group.Fields() {
		fields[places[field.Name()]] = field
	}
	return layout{relation: schema, root: orderedGroup{Group: group, fields: fields}}
}

// unusedName puts underscores in front of a name until no column has it.
func unusedName(name string, taken parquet.Group) string {
	for taken[name] != nil {
		name = "_" + name
	}
	return name
}

func leafOf(column relation.Column) parquet.Node {
	node := parquet.Leaf(parquet.ByteArrayType)
	switch column.Type {
	case relation.Bool:
		node = parquet.Leaf(parquet.BooleanType)
	case relation.Int64:
		node = parquet.Leaf(parquet.Int64Type)
	case relation.Uint64:
		node = parquet.Uint(64)
	case relation.Float64:
		node = parquet.Leaf(parquet.DoubleType)
	case relation.String:
		node = parquet.String()
	}
	if column.IsNullable {
		return parquet.Optional(node)
	}
	return parquet.Required(node)
}

func (l layout) file() *parquet.Schema { return parquet.NewSchema("updates", l.root) }

// columns returns the number of columns with those of time and diff.
func (l layout) columns() int { return l.relation.Len() + 2 }

// isNullable reports whether a column of the file may be null.
func (l layout) isNullable(column int) bool {
	return column < l.relation.Len() && l.relation.Column(column).IsNullable
}

// typeOf returns the type of a column of the file.
func (l layout) typeOf(column int) relation.Type {
	switch column - l.relation.Len() {
	case 0:
		return relation.Uint64
	case 1:
		return relation.Int64
	default:
		return l.relation.Column(column).Type
	}
}

// isOf reports whether the root of a file has exactly these columns.
func (l layout) isOf(root parquet.Node) bool {
	fields := root.Fields()
	if len(fields) != len(l.root.fields) {
		return false
	}
	for i, want := range l.root.fields {
		got := fields[i]
		if !got.Leaf() || got.Name() != want.Name() || got.Repeated() || got.Optional() != want.Optional() ||
			!parquet.EqualTypes(got.Type(), want.Type()) {
			return false
		}
	}
	return true
}
