// Package fate finds out when a failing run was lost: from which step on it fails
// however it goes on.
//
// [Find] follows the run up to some step, lets chance decide from there on, many
// times, and counts how often it fails in the same way. Early in a run that is rare,
// after the mistake it is nearly always so, and somewhere in between the share jumps:
// there the bug has happened, however late it shows.
package fate
