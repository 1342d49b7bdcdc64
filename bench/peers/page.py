def write_page(result, folder):
    pass
