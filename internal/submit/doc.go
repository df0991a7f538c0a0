// Package submit hands an experiment to an engine that starts tasks on many machines.
package submit
