//! Pdf.
