"""Programs that make parts of the documents: tables, the diagram, the pictures."""
