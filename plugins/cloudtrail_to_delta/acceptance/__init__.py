"""A first run against real services: do they answer and act as the product relies on?"""
