"""Models at Amazon Bedrock: which there are, and who may invoke them."""
