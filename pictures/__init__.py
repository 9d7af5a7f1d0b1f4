"""Pictures of a stack, drawn from the report of its rehearsal: SVG, Mermaid, and a page of HTML around it."""
