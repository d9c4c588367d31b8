// Package eval scores what was segmented against what is there.
//
//	detection   COCO's AP and AR, for boxes and masks   OpenCOCO, ScoreCOCO, ScoreDetections
//	VOC         Jaccard by class, best head             OpenVOC, VOC.Score
//	masks       Jaccard, precision and recall           ScoreFolders, MaskScorer
//
// Scores are numbers from 0 to 1. Each scorer takes plain data and gives a struct
// that marshals to JSON and writes itself as a table. The same data gives the same
// figures to the last bit, whatever the number of cores.
//
// Errors of single files are [*FileError]s. A scorer that goes through many images
// doesn't stop at them: it lists them in its result, and leaves those images out of
// the means.
package eval
