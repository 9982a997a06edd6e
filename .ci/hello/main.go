// Hello shows whether this machine runs programs of another architecture.
package main

func main() {}
